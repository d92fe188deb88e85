internal import FoundationEssentials

/// An item that is decoded in place: each attribute is read when its type asks for it.
///
/// The node has a copy of the item's bytes, which must not outlive the transaction. So
/// ``AttributeDecoder`` closes it when the value is there. A decoder that a type keeps for later
/// then throws.
final class ItemDecodingNode: DecodingNode {
    private let bytes: ItemBytes
    private let plan: FieldPlan
    /// The names of the stored attributes.
    private let storedNames: [String]
    private let templates: [String: KeyTemplate]
    private var keyAttributes: [AttributeMap.Element]?
    private var isOpen = true
    /// Damage that a function has found which cannot throw.
    private(set) var damage: CodexError?

    /// Creates a node.
    ///
    /// - Parameters:
    ///   - bytes: The item.
    ///   - plan: Decides which encrypted values count as unopened.
    ///   - templates: The templates of the entity; a field may be a key attribute.
    init(_ bytes: ItemBytes, _ plan: FieldPlan, _ templates: [String: KeyTemplate]) {
        self.bytes = bytes
        self.plan = plan
        storedNames = bytes.layout.shape.names
        self.templates = templates
        super.init(.map(AttributeMap()), parent: nil, key: nil)
    }

    /// Ends the use of the item's bytes.
    func close() { isOpen = false }

    // MARK: Attributes

    override var names: [String] {
        recordingDamage([]) { () throws(CodexError) in
            var names = try keys().map(\.name)
            for position in storedNames.indices where try !isUnopened(position) {
                names.append(storedNames[position])
            }
            return names
        }
    }

    override func has(_ name: String) -> Bool {
        recordingDamage(false) { () throws(CodexError) in
            guard let position = try position(of: name) else { return try keyValue(name) != nil }
            return try !isUnopened(position)
        }
    }

    /// The result of `body`, or the other result if it throws.
    ///
    /// The first error is kept.
    private func recordingDamage<R>(_ other: R, _ body: () throws(CodexError) -> R) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            damage = damage ?? error
            return other
        }
    }

    override func member(_ name: String) throws(CodexError) -> Reading<AttributeValue> {
        guard let position = try position(of: name) else { return try keyMember(name) }
        return try stored(position)
    }

    override func text(_ name: String) throws(CodexError) -> Reading<String> {
        guard let position = try position(of: name) else { return try keyMember(name).text }
        let text = try bytes.withBytes { span throws(CodexError) -> String? in
            let (start, end) = try bytes.layout.range(span, position)
            guard span[start] == ValueCodec.Tag.string.rawValue else { return nil }
            return try Wire.string(span, start + 1, end)
        }
        if let text { return .value(text) }
        return try stored(position).text
    }

    override func flag(_ name: String) throws(CodexError) -> Reading<Bool> {
        guard let position = try position(of: name) else { return try keyMember(name).flag }
        return try stored(position).flag
    }

    override func number(_ name: String) throws(CodexError) -> Reading<Number> {
        guard let position = try position(of: name) else { return try keyMember(name).number }
        let integer = try bytes.withBytes { span throws(CodexError) -> Int64? in
            let (start, end) = try bytes.layout.range(span, position)
            guard span[start] == ValueCodec.Tag.integer.rawValue else { return nil }
            var offset = start + 1
            return Wire.unzigzag(try Wire.integer(span.extracting(0..<end), &offset))
        }
        if let integer { return .value(Number(integer)) }
        return try stored(position).number
    }

    override func date(_ name: String) throws(CodexError) -> Reading<Date> {
        guard let position = try position(of: name) else { return try keyMember(name).text.date }
        let date = try bytes.withBytes { span throws(CodexError) -> Date? in
            let (start, end) = try bytes.layout.range(span, position)
            guard span[start] == ValueCodec.Tag.string.rawValue else { return nil }
            return Timestamp.date(span.extracting((start + 1)..<end))
        }
        if let date { return .value(date) }
        return try stored(position).text.date
    }

    // MARK: Parts of the item

    /// The position of a stored attribute.
    private func position(of name: String) throws(CodexError) -> Int? {
        try requireOpen()
        // Names of usual length are identical words of memory.
        if storedNames.count <= 32 {
            for position in storedNames.indices
            where ByteOrder.areIdentical(storedNames[position], name) { return position }
        }
        return bytes.layout.shape.position(of: name)
    }

    private func requireOpen() throws(CodexError) {
        guard isOpen else {
            throw CodexError(
                .invalidArgument,
                "A decoder was used after the type's init(from:) had ended. Read all there.")
        }
    }

    private func isUnopened(_ position: Int) throws(CodexError) -> Bool {
        plan.isUnopened(ValueCodec.Tag.seal(try bytes.tag(at: position)))
    }

    private func stored(_ position: Int) throws(CodexError) -> Reading<AttributeValue> {
        if try isUnopened(position) { return .miss(.unopened) }
        return .value(try bytes.value(at: position))
    }

    private func keyMember(_ name: String) throws(CodexError) -> Reading<AttributeValue> {
        try keyValue(name).map { .value($0) } ?? .miss(.absent)
    }

    /// The value of an attribute that is stored in the key only.
    private func keyValue(_ name: String) throws(CodexError) -> AttributeValue? {
        guard templates[name] != nil else { return nil }
        return try keys().first { ByteOrder.equal($0.name, name) }?.value
    }

    private func keys() throws(CodexError) -> [AttributeMap.Element] {
        try requireOpen()
        if let keyAttributes { return keyAttributes }
        let keys = try bytes.keyAttributes()
        keyAttributes = keys
        return keys
    }
}
