public import CodexCore

extension CodexFlow {
    /// A random forest that scikit-learn trained, for inference in this process.
    ///
    /// `Scripts/export-forest.py` writes a forest as JSON:
    ///
    /// ```json
    /// {"format": 1, "features": ["overdue", "blocked"], "trees": [
    ///   {"feature": [0, -1, -1], "threshold": [0.5, 0, 0], "left": [1, -1, -1],
    ///    "right": [2, -1, -1], "value": [0.4, 0.1, 0.9]}]}
    /// ```
    ///
    /// A tree consists of arrays with one element per node, the root first. `feature` is the
    /// compared feature (-1 at a leaf), and `threshold` is the value to compare with. `left` is the
    /// next node up to the threshold, and `right` the next node above it. `value` is a leaf's share
    /// of the positive class (or the mean, for a regression).
    ///
    /// The result is the mean over the trees, as from `predict_proba` and `predict`.
    public struct RandomForest: Sendable {
        /// The names of the features, in the order of a row.
        public let features: [String]
        private let trees: [Tree]

        /// The number of trees.
        public var treeCount: Int { trees.count }

        private struct Node {
            let feature: Int32
            let left: Int32
            let right: Int32
            let threshold: Double
            let value: Double
        }

        private struct Tree {
            let nodes: [Node]
        }

        private static let treeCountMax = 10_000
        private static let nodeCountMax = 10_000_000

        /// Reads a forest.
        ///
        /// - Parameter json: The file's text.
        /// - Throws: ``CodexError/Code/invalidJSON``; ``CodexError/Code/invalidArgument`` with the
        ///   field for another format, for unknown features or nodes, or for a node that does not
        ///   follow its parent.
        /// - Complexity: O(*n*) for *n* nodes.
        public init(json: String) throws(CodexError) {
            let root = try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
            guard root["format"]?.number == 1 else { throw Self.malformed("format", "1") }
            guard let names = root["features"]?.list?.map(\.string), !names.isEmpty,
                names.count <= 10_000, names.allSatisfy({ $0 != nil })
            else { throw Self.malformed("features", "1 to 10,000 names") }
            features = names.compactMap { $0 }
            guard let list = root["trees"]?.list, (1...Self.treeCountMax).contains(list.count)
            else { throw Self.malformed("trees", "1 to \(Self.treeCountMax) trees") }
            var trees: [Tree] = []
            var nodeCount = 0
            for (place, value) in list.enumerated() {
                let tree = try Self.tree(value, "trees[\(place)]", featureCount: features.count)
                nodeCount += tree.nodes.count
                guard nodeCount <= Self.nodeCountMax else {
                    throw Self.malformed("trees", "at most \(Self.nodeCountMax) nodes")
                }
                trees.append(tree)
            }
            self.trees = trees
        }

        private static func tree(
            _ value: AttributeValue, _ name: String, featureCount: Int
        ) throws(CodexError) -> Tree {
            func numbers(_ field: String) throws(CodexError) -> [Double] {
                guard let list = value.map?[field]?.list else {
                    throw malformed("\(name).\(field)", "a list of numbers")
                }
                var numbers: [Double] = []
                numbers.reserveCapacity(list.count)
                for element in list {
                    guard let number = element.number else {
                        throw malformed("\(name).\(field)", "a list of numbers")
                    }
                    numbers.append(number.double)
                }
                return numbers
            }
            let (feature, threshold) = (try numbers("feature"), try numbers("threshold"))
            let (left, right) = (try numbers("left"), try numbers("right"))
            let values = try numbers("value")
            let count = feature.count
            guard count >= 1,
                [threshold.count, left.count, right.count, values.count].allSatisfy({ $0 == count })
            else { throw malformed(name, "lists of the same length, of 1 node or more") }
            var nodes: [Node] = []
            for place in 0..<count {
                let isLeaf = feature[place] < 0
                // Nodes come after their parents, so that every path ends.
                let children = Double(place + 1)...Double(max(place + 1, count - 1))
                func isChild(_ node: Double) -> Bool {
                    place < count - 1 && children.contains(node) && node == node.rounded()
                }
                guard
                    isLeaf
                        || feature[place] < Double(featureCount)
                            && feature[place] == feature[place].rounded()
                            && isChild(left[place]) && isChild(right[place])
                else {
                    throw malformed(
                        "\(name), node \(place)", "a known feature, and nodes that come after it")
                }
                nodes.append(
                    Node(
                        feature: isLeaf ? -1 : Int32(feature[place]),
                        left: isLeaf ? -1 : Int32(left[place]),
                        right: isLeaf ? -1 : Int32(right[place]), threshold: threshold[place],
                        value: values[place]))
            }
            return Tree(nodes: nodes)
        }

        private static func malformed(_ field: String, _ wanted: String) -> CodexError {
            CodexError(
                .invalidArgument,
                "The forest cannot be read: \(field) must be \(wanted). Write it with "
                    + "Scripts/export-forest.py.")
        }

        /// Predicts the value of a row.
        ///
        /// Values are first rounded to single precision, as in scikit-learn.
        ///
        /// - Parameter row: A value for each of ``features``.
        /// - Returns: The mean over the trees.
        /// - Throws: ``CodexError/Code/invalidArgument`` if the row has another length, or a value
        ///   that is not a number.
        /// - Complexity: O(*t* · *d*) for *t* trees of depth *d*.
        public func predict(_ row: [Double]) throws(CodexError) -> Double {
            guard row.count == features.count, row.allSatisfy({ !$0.isNaN }) else {
                throw CodexError(
                    .invalidArgument, "A row has a number for each of \(features.count) features.")
            }
            let row = row.map { Double(Float($0)) }
            var sum = 0.0
            for tree in trees {
                var node = tree.nodes[0]
                while node.feature >= 0 {
                    let next = row[Int(node.feature)] <= node.threshold ? node.left : node.right
                    node = tree.nodes[Int(next)]
                }
                sum += node.value
            }
            return sum / Double(trees.count)
        }
    }

    /// A risk model from a forest, whose features are those of ``RiskFeatures/Name``, by name.
    public struct ForestRisk: RiskModel {
        private let forest: RandomForest
        private let names: [RiskFeatures.Name]

        /// Creates the model.
        ///
        /// - Parameter forest: The forest.
        /// - Throws: ``CodexError/Code/invalidArgument`` if the forest has an unknown feature.
        public init(_ forest: RandomForest) throws(CodexError) {
            self.forest = forest
            names = forest.features.compactMap { RiskFeatures.Name(rawValue: $0) }
            guard names.count == forest.features.count else {
                throw CodexError(
                    .invalidArgument,
                    "The forest's features must be among "
                        + RiskFeatures.Name.allCases.map(\.rawValue).joined(separator: ", ") + ".")
            }
        }

        /// Reports the risk of a project's features.
        ///
        /// Each factor's drop is the decrease of the score when that feature is set to 0. A
        /// factor's share is the score times its part of all drops together.
        public func report(_ features: RiskFeatures) throws(CodexError) -> RiskReport {
            guard features.openTaskCount > 0 else { return RiskReport(riskScore: 0, factors: []) }
            let row = names.map { features[$0] }
            let score = try forest.predict(row)
            var drops: [Double] = []
            for place in row.indices {
                var without = row
                without[place] = 0
                drops.append(max(0, score - (try forest.predict(without))))
            }
            let all = drops.reduce(0, +)
            let factors = zip(names, drops).map { name, drop in
                RiskReport.Factor(
                    name: name, value: features[name], share: all > 0 ? score * drop / all : 0)
            }
            return RiskReport(riskScore: score, factors: factors)
        }
    }
}
