/// A place in an item: an attribute name, then names and list indexes, as `stories[2].title`.
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

    /// Parses `name`, `name.name`, `name[0].name` and the like.
    ///
    /// Names that contain a dot or a bracket cannot be written this way: build them from steps.
    ///
    /// - Throws: ``CodexError/Code/invalidPath``.
    public init(parsing text: String) throws(CodexError) {
        var steps: [Step] = []
        for (index, part) in text.split(separator: ".", omittingEmptySubsequences: false)
            .enumerated()
        {
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            guard let name = pieces.first, !name.isEmpty, !name.contains("]") else {
                throw Self.malformed
            }
            if index > 0 || steps.isEmpty { steps.append(.name(String(name))) }
            for piece in pieces.dropFirst() {
                guard piece.last == "]", let position = Int(piece.dropLast()), position >= 0 else {
                    throw Self.malformed
                }
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
    /// The path as DynamoDB writes it.
    public var description: String {
        steps.reduce(root) { text, step in
            switch step {
            case .name(let name): "\(text).\(name)"
            case .index(let index): "\(text)[\(index)]"
            }
        }
    }
}

extension DocumentPath {
    /// The path without its last step; a root is its own parent.
    package var parent: DocumentPath { DocumentPath(root: root, steps: steps.dropLast()) }

    /// The steps from the item down, the root's name first.
    package var allSteps: [Step] { [.name(root)] + steps }

    /// Whether one of the two paths is the other or lies below it, or they would need the same
    /// value to be a map and a list.
    package func conflicts(with other: DocumentPath) -> Bool {
        for (left, right) in zip(allSteps, other.allSteps) where left != right {
            switch (left, right) {
            case (.name, .name), (.index, .index): return false
            default: return true
            }
        }
        return true
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
