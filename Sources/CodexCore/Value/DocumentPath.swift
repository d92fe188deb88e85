/// A place in an item: an attribute name, then names and list indexes, as in `stories[2].title`.
public struct DocumentPath: Sendable, Hashable {
    /// One step of a path.
    public enum Step: Sendable, Hashable {
        /// The attribute of a map.
        case name(String)
        /// The element of a list, from 0.
        case index(Int)

        /// Compares names by bytes.
        public static func == (lhs: Step, rhs: Step) -> Bool {
            switch (lhs, rhs) {
            case (.name(let left), .name(let right)): ByteOrder.equal(left, right)
            case (.index(let left), .index(let right)): left == right
            default: false
            }
        }
    }

    /// The top-level attribute's name.
    public let root: String
    /// The steps below it.
    public let steps: [Step]

    /// Creates the path of a top-level attribute.
    ///
    /// Nothing in `name` is interpreted.
    public init(_ name: String) {
        root = name
        steps = []
    }

    /// Creates a path from its parts.
    public init(root: String, steps: [Step]) {
        self.root = root
        self.steps = steps
    }

    /// Parses a path such as `name`, `name.name` or `name[0].name`.
    ///
    /// Names that contain a dot or a bracket cannot be written in this form; build such a path from
    /// steps.
    ///
    /// - Throws: ``CodexError/Code/invalidPath``.
    public init(parsing text: String) throws(CodexError) {
        var steps: [Step] = []
        // By bytes: a name may begin with a mark, which is one character with the dot before it.
        let parts = text.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let (open, close) = (UInt8(ascii: "["), UInt8(ascii: "]"))
        for (index, part) in parts.enumerated() {
            let pieces = part.split(separator: open, omittingEmptySubsequences: false)
            guard let name = pieces.first, !name.isEmpty, !name.contains(close) else {
                throw Self.malformed
            }
            if index > 0 || steps.isEmpty { steps.append(.name(String(Substring(name)))) }
            for piece in pieces.dropFirst() {
                guard piece.last == close, let position = Int(Substring(piece.dropLast())),
                    position >= 0
                else { throw Self.malformed }
                steps.append(.index(position))
            }
        }
        guard case .name(let root)? = steps.first else { throw Self.malformed }
        self.init(root: root, steps: Array(steps.dropFirst()))
    }

    private static var malformed: CodexError {
        CodexError(.invalidPath, "A path is names joined by dots, each with [index]es after it.")
    }

    /// The path of the map attribute `name` below this one.
    public subscript(name: String) -> DocumentPath {
        DocumentPath(root: root, steps: steps + [.name(name)])
    }

    /// The path of the list element `index` below this one.
    public subscript(index: Int) -> DocumentPath {
        DocumentPath(root: root, steps: steps + [.index(index)])
    }

    /// Compares names by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        ByteOrder.equal(lhs.root, rhs.root) && lhs.steps == rhs.steps
    }
}

extension DocumentPath: ExpressibleByStringLiteral {
    /// The path of a top-level attribute.
    ///
    /// Nothing in the literal is interpreted.
    public init(stringLiteral value: String) { self.init(value) }
}

extension DocumentPath: CustomStringConvertible {
    /// The path in DynamoDB's notation.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    public var description: String {
        var text = root
        for step in steps {
            switch step {
            case .name(let name): text += ".\(name)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    /// The path for error messages; only its first bytes if it is long.
    package var abbreviated: String { description.abbreviated() }
}

extension DocumentPath {
    /// The path without its last step; the parent of a root is the root.
    package var parent: DocumentPath { DocumentPath(root: root, steps: steps.dropLast()) }

    /// The steps from the item down, the root's name first.
    package var allSteps: [Step] { [.name(root)] + steps }

    /// The step at index `depth` of ``allSteps``; `nil` past the last one.
    func step(at depth: Int) -> Step? {
        guard depth > 0 else { return .name(root) }
        return depth <= steps.count ? steps[depth - 1] : nil
    }

    /// Compares paths step by step: negative, zero or positive.
    ///
    /// The paths below a path follow it immediately. Paths that share a step of a list or map are
    /// adjacent.
    static func order(_ left: DocumentPath, _ right: DocumentPath) -> Int {
        let order = ByteOrder.compare(left.root, right.root)
        if order != 0 { return order }
        for (left, right) in zip(left.steps, right.steps) {
            let order = Step.order(left, right)
            if order != 0 { return order }
        }
        return left.steps.count - right.steps.count
    }

    /// Sorts the paths and checks that none of them conflict.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if two of them conflict.
    /// - Complexity: O(*n* log *n*), because two conflicting paths imply that two neighbours
    ///   conflict.
    static func sortedDisjoint(_ paths: [DocumentPath]) throws(CodexError) -> [DocumentPath] {
        if paths.count < 2 { return paths }
        let sorted = paths.sorted { order($0, $1) < 0 }
        for place in sorted.indices.dropFirst()
        where sorted[place].conflicts(with: sorted[place - 1]) {
            throw conflict(of: paths, sorted[place - 1], sorted[place])
        }
        return sorted
    }

    /// The error for paths that conflict.
    ///
    /// DynamoDB names the first path that overlaps an earlier one. If there is none, it names two
    /// paths that need a map and a list.
    ///
    /// - Parameters:
    ///   - paths: All paths.
    ///   - left: A path that conflicts with `right`.
    ///   - right: The path after `left` in the order of paths.
    /// - Returns: The error.
    private static func conflict(
        of paths: [DocumentPath], _ left: DocumentPath, _ right: DocumentPath
    ) -> CodexError {
        if let (one, two) = firstOverlap(in: paths) {
            return CodexError(
                .invalidExpression,
                "Two paths of one expression overlap: \(one.abbreviated), \(two.abbreviated).",
                .overlap(one, two))
        }
        let isInOrder = (paths.firstIndex(of: left) ?? 0) < (paths.firstIndex(of: right) ?? 0)
        let (one, two) = isInOrder ? (left, right) : (right, left)
        return CodexError(
            .invalidExpression,
            "Two paths of one expression need the same value to be a map and a list: "
                + "\(one.abbreviated), \(two.abbreviated).",
            .conflict(one, two))
    }

    /// The first path that is equal to an earlier one, above it or below it, after that one.
    ///
    /// - Complexity: O(*n* *d*) for *n* steps of all paths, and *d* steps of the longest one.
    private static func firstOverlap(
        in paths: [DocumentPath]
    ) -> (DocumentPath, DocumentPath)? {
        var (whole, parents): (Set<DocumentPath>, Set<DocumentPath>) = ([], [])
        for (place, path) in paths.enumerated() {
            var above: [DocumentPath] = []
            while let parent = (above.last ?? path).directParent { above.append(parent) }
            let isFree =
                !parents.contains(path) && !whole.contains(path)
                && !above.contains(where: whole.contains)
            if !isFree, let earlier = paths[..<place].first(where: path.overlaps) {
                return (earlier, path)
            }
            whole.insert(path)
            parents.formUnion(above)
        }
        return nil
    }

    /// The path above this one; `nil` for a root.
    private var directParent: DocumentPath? { steps.isEmpty ? nil : parent }

    /// Whether the two paths cannot be used in one expression.
    ///
    /// One path is equal to the other or below it, or they require the same value to be a map and a
    /// list.
    package func conflicts(with other: DocumentPath) -> Bool {
        for (left, right) in zip(allSteps, other.allSteps) where left != right {
            switch (left, right) {
            case (.name, .name), (.index, .index): return false
            default: return true
            }
        }
        return true
    }

    /// Whether one path is equal to the other or below it.
    private func overlaps(_ other: DocumentPath) -> Bool {
        zip(allSteps, other.allSteps).allSatisfy { $0 == $1 }
    }
}

extension DocumentPath.Step {
    /// Compares steps: indexes come first, in ascending order, then names by their bytes.
    static func order(_ left: Self, _ right: Self) -> Int {
        switch (left, right) {
        case (.name(let left), .name(let right)): ByteOrder.compare(left, right)
        case (.index(let left), .index(let right)): left == right ? 0 : left < right ? -1 : 1
        case (.index, .name): -1
        case (.name, .index): 1
        }
    }
}

extension AttributeMap {
    /// The value at `path`, or `nil` if any step is missing or of another kind.
    public subscript(path path: DocumentPath) -> AttributeValue? {
        guard var value = self[path.root] else { return nil }
        for step in path.steps {
            switch (step, value) {
            case (.name(let name), .map(let map)):
                guard let next = map[name] else { return nil }
                value = next
            case (.index(let index), .list(let list)):
                guard list.indices.contains(index) else { return nil }
                value = list[index]
            default: return nil
            }
        }
        return value
    }
}
