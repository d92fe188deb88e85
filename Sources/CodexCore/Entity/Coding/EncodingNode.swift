/// A value that is encoded: the encoder that its type gets.
///
/// A node knows its parent and its key there. So an error has the whole path, and writing a value
/// makes no path.
final class EncodingNode: Encoder {
    private let parent: EncodingNode?
    /// The key in the parent; `nil` for the item, and for a value in the place of its parent.
    private let key: (any CodingKey)?
    private var single: AttributeValue?
    private var members: [AttributeMap.Element]?
    private var elements: [AttributeValue]?
    /// Containers that are filled later, by their places among the members or elements.
    private var children: [(place: Int, node: EncodingNode)] = []
    /// The indices among the children of the members that are containers now, by the bytes of their
    /// names.
    private var childIndices: [[UInt8]: Int] = [:]
    /// Of the topmost node: the path of the innermost value whose type has thrown an error of its
    /// own.
    private var refusedPath: [any CodingKey]?

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(parent: EncodingNode?, key: (any CodingKey)?) {
        self.parent = parent
        self.key = key
    }

    /// Encodes a value as this node's.
    func encoded(_ value: some Encodable) throws -> AttributeValue {
        do {
            try value.encode(to: self)
        } catch {
            note(error)
            throw error
        }
        return try finished()
    }

    /// The value, once its type has encoded it.
    private func finished() throws(CodexError) -> AttributeValue {
        if let single, members == nil, elements == nil { return single }
        if var elements, single == nil, members == nil {
            for child in children { elements[child.place] = try child.node.finished() }
            return .list(elements)
        }
        guard single == nil, elements == nil else {
            let path = CodingPathText(codingPath)
            throw CodexError(
                .typeMismatch,
                "\(path.place) encodes as values of two kinds: a map, a list and a single value "
                    + "exclude each other. Use one kind of container in encode(to:)."
            ).at(path: path.whole)
        }
        var members = members ?? []
        for child in children { members[child.place].value = try child.node.finished() }
        return .map(AttributeMap(unsorted: members))
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if members == nil {
            members = []
            members?.reserveCapacity(16)
        }
        return KeyedEncodingContainer(KeyedEncoding(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if elements == nil { elements = [] }
        return UnkeyedEncoding(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleEncoding(node: self) }

    // MARK: Parts

    /// Sets the value itself.
    func set(_ value: AttributeValue) { single = value }

    /// The number of elements so far.
    var elementCount: Int { elements?.count ?? 0 }

    /// Adds a member; of two with one name, the last one stays.
    func add(_ name: String, _ value: AttributeValue) {
        // A container that is replaced gets no more members.
        if !childIndices.isEmpty { childIndices[Array(name.utf8)] = nil }
        members?.append(AttributeMap.Element(name: name, value: value))
    }

    func add(_ value: AttributeValue) { elements?.append(value) }

    /// Adds a member that is filled later.
    ///
    /// A container of the same name is returned, if it was not replaced since: as with Foundation's
    /// encoders, a type may ask for one nested container several times. Another value is replaced.
    func addChild(_ key: some CodingKey) -> EncodingNode {
        let name = Array(key.stringValue.utf8)
        if let index = childIndices[name] { return children[index].node }
        let node = EncodingNode(parent: self, key: key)
        children.append((members?.count ?? 0, node))
        add(key.stringValue, .null)
        childIndices[name] = children.count - 1
        return node
    }

    /// Adds an element that is filled later.
    func addChild() -> EncodingNode {
        let node = EncodingNode(parent: self, key: IndexKey(elementCount))
        children.append((elementCount, node))
        add(.null)
        return node
    }

    // MARK: Values

    /// The attribute of a member or element; `key` is `nil` for the value itself.
    func attribute(_ value: some Encodable, _ key: (any CodingKey)?) throws -> AttributeValue {
        let special: AttributeValue?
        do throws(CodexError) {
            special = try AttributeEncoder.special(value)
        } catch {
            throw notStorable(error, key)
        }
        return try special ?? EncodingNode(parent: self, key: key).encoded(value)
    }

    @inline(__always)
    func number(
        _ value: some FixedWidthInteger, _ key: (any CodingKey)?
    ) throws -> AttributeValue {
        do throws(CodexError) {
            return .number(try AttributeEncoder.number(value))
        } catch {
            throw notStorable(error, key)
        }
    }

    func number(_ value: Double, _ key: (any CodingKey)?) throws -> AttributeValue {
        do throws(CodexError) {
            return .number(try Number(shortest: value))
        } catch {
            throw notStorable(error, key)
        }
    }
}

// MARK: Errors

extension EncodingNode {
    /// The keys from the item to the value.
    var codingPath: [any CodingKey] {
        (parent?.codingPath ?? []) + (key.map { [$0] } ?? [])
    }

    private var topmost: EncodingNode { parent?.topmost ?? self }

    /// The error for a value that no attribute can have.
    @inline(never)
    private func notStorable(_ error: CodexError, _ key: (any CodingKey)?) -> CodexError {
        let path = codingPath + (key.map { [$0] } ?? [])
        return CodingFailure.notStorable(CodingPathText(path), error)
    }

    /// Keeps the place of an error that a type's own code has thrown.
    private func note(_ error: any Error) {
        guard !(error is CodexError) else { return }
        let (topmost, own) = (topmost, codingPath)
        if let path = topmost.refusedPath, path.count >= own.count,
            zip(path, own).allSatisfy({ $0.stringValue == $1.stringValue })
        {
            return
        }
        topmost.refusedPath = own
    }

    /// The error of the whole writing, for the caller of the store.
    func outcome(_ error: any Error) -> CodexError {
        if let error = error as? CodexError { return error }
        var path = refusedPath ?? codingPath
        if case .invalidValue(_, let context)? = error as? EncodingError,
            context.codingPath.count > path.count
        {
            path = context.codingPath
        }
        return CodingFailure.refused(CodingPathText(path), "encode(to:)", cause: error)
    }
}
