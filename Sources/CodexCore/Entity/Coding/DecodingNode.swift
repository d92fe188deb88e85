internal import FoundationEssentials

/// A value that is decoded: the decoder that its type gets.
///
/// A node knows its parent and its key there. So an error has the whole path, and reading a value
/// makes no path.
///
/// The functions that take a name read a member of a map.
class DecodingNode: Decoder {
    /// The value; an empty map if a subclass reads the members.
    let value: AttributeValue
    private let parent: DecodingNode?
    private let key: (any CodingKey)?
    /// Of the topmost node: the path of the innermost value whose type has thrown an error of its
    /// own.
    private var refusedPath: [any CodingKey]?

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ value: AttributeValue, parent: DecodingNode?, key: (any CodingKey)?) {
        self.value = value
        self.parent = parent
        self.key = key
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .map = value else { throw otherType(.map) }
        return KeyedDecodingContainer(KeyedDecoding(node: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch value {
        case .list(let values): UnkeyedDecoding(self, values)
        case .stringSet(let set): UnkeyedDecoding(self, set.members.map { .string($0) })
        case .numberSet(let set): UnkeyedDecoding(self, set.members.map { .number($0) })
        case .binarySet(let set): UnkeyedDecoding(self, set.members.map { .binary($0) })
        default: throw otherType(.list)
        }
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleDecoding(node: self) }

    // MARK: Members

    /// The names of the members.
    var names: [String] { if case .map(let map) = value { map.names } else { [] } }

    /// Whether there is a member.
    func has(_ name: String) -> Bool {
        if case .map(let map) = value { map.index(of: name) != nil } else { false }
    }

    /// The value of a member.
    func member(_ name: String) throws(CodexError) -> Reading<AttributeValue> {
        guard case .map(let map) = value, let member = map[name] else { return .miss(.absent) }
        return .value(member)
    }

    func text(_ name: String) throws(CodexError) -> Reading<String> { try member(name).text }

    func flag(_ name: String) throws(CodexError) -> Reading<Bool> { try member(name).flag }

    func number(_ name: String) throws(CodexError) -> Reading<Number> { try member(name).number }

    func date(_ name: String) throws(CodexError) -> Reading<Date> { try member(name).text.date }

    // MARK: Values of any type

    /// Reads a value of the type, which is the member or element of this value at `key`.
    func decoded<Value: Decodable>(
        _ type: Value.Type, _ stored: AttributeValue, _ key: some CodingKey
    ) throws -> Value {
        switch Reading<Value>.special(stored) {
        case .value(let value)?: return value
        case .miss(let miss)?: throw failure(miss, type, key)
        case nil: return try child(stored, key).make(type)
        }
    }

    /// The node of a member or element.
    func child(_ stored: AttributeValue, _ key: some CodingKey) -> DecodingNode {
        DecodingNode(stored, parent: self, key: key)
    }

    /// Calls the type's initializer.
    func make<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try Value(from: self)
        } catch {
            throw located(error, type)
        }
    }
}

// MARK: Errors

extension DecodingNode {
    /// The keys from the item to the value.
    var codingPath: [any CodingKey] {
        guard let key else { return [] }
        return (parent?.codingPath ?? []) + [key]
    }

    private var topmost: DecodingNode { parent?.topmost ?? self }

    /// The error for a value that is not there, or does not fit.
    ///
    /// - Parameters:
    ///   - miss: Why there is no value.
    ///   - type: The type that was asked for.
    ///   - key: The key of the member or element; `nil` is this value.
    /// - Returns: The error that decoders throw, with a ``CodexError`` beneath it.
    @inline(never)
    func failure(
        _ miss: ReadingMiss, _ type: any Any.Type, _ key: (any CodingKey)? = nil
    ) -> DecodingError {
        let path = codingPath + (key.map { [$0] } ?? [])
        let text = CodingPathText(path)
        let name = "\(type)"
        switch miss {
        case .absent:
            let error = CodingFailure.missing(text, type == AttributeValue.self ? nil : name)
            return .keyNotFound(key ?? SuperKey(), Self.context(codingPath, error))
        case .unopened:
            let error = CodexError.keyUnavailable(text.shown).at(path: text.whole)
            return .keyNotFound(key ?? SuperKey(), Self.context(codingPath, error))
        case .null:
            let expected = Self.expected(of: type)
            let error =
                expected.map { CodingFailure.otherType(text, .null, expected: $0, name) }
                ?? CodingFailure.otherValue(text, .null, name)
            return .valueNotFound(type, Self.context(path, error))
        case .other(let found):
            guard let expected = Self.expected(of: type), expected != found else {
                let error = CodingFailure.otherValue(text, found, name)
                return .dataCorrupted(Self.context(path, error))
            }
            let error = CodingFailure.otherType(text, found, expected: expected, name)
            return .typeMismatch(type, Self.context(path, error))
        }
    }

    /// The error for a value that is no map or no list.
    private func otherType(_ expected: AttributeType) -> DecodingError {
        let text = CodingPathText(codingPath)
        let error = CodingFailure.otherType(text, value.type, expected: expected, "its type")
        return .typeMismatch(AttributeValue.self, Self.context(codingPath, error))
    }

    /// The error for a list that has too few elements.
    func short(_ count: Int, _ type: any Any.Type) -> DecodingError {
        let error = CodingFailure.short(CodingPathText(codingPath), count, "\(type)")
        return .valueNotFound(type, Self.context(codingPath, error))
    }

    private static func context(
        _ path: [any CodingKey], _ error: CodexError
    ) -> DecodingError.Context {
        DecodingError.Context(
            codingPath: path, debugDescription: error.message, underlyingError: error)
    }

    /// The attribute type of a type that is stored as text, a number, a Boolean or bytes.
    private static func expected(of type: any Any.Type) -> AttributeType? {
        switch type {
        case is String.Type, is Date.Type, is UUID.Type, is URL.Type: .string
        case is Bool.Type: .bool
        case is Data.Type: .binary
        case is Number.Type, is Decimal.Type, is any BinaryInteger.Type,
            is any BinaryFloatingPoint.Type:
            .number
        default: nil
        }
    }

    /// An error of a type's initializer, with a ``CodexError`` beneath it that has the path.
    ///
    /// Errors that are no decoding errors stay as they are, because an outer initializer may catch
    /// them. Only their place is kept.
    @inline(never)
    private func located(_ error: any Error, _ type: any Any.Type) -> any Error {
        switch error {
        case is CodexError: return error
        case let error as DecodingError:
            guard let context = error.context, !(context.underlyingError is CodexError) else {
                return error
            }
            let (path, own) = (context.codingPath, codingPath)
            let place = path.count > own.count ? path : own
            let isOwn = path.count <= own.count
            let problem = problem(error, CodingPathText(place), type, isOwn: isOwn)
            return error.with(Self.context(path, problem))
        default:
            let (topmost, own) = (topmost, codingPath)
            if !Self.isPath(topmost.refusedPath, within: own) { topmost.refusedPath = own }
            return error
        }
    }

    /// What is wrong if a type's own code has thrown a decoding error.
    private func problem(
        _ error: DecodingError, _ text: CodingPathText, _ type: any Any.Type, isOwn: Bool
    ) -> CodexError {
        switch error {
        case .keyNotFound(let key, _):
            return CodingFailure.missing(CodingPathText(codingPath + [key]), nil)
        case .typeMismatch(let wanted, _), .valueNotFound(let wanted, _):
            return CodingFailure.otherValue(text, isOwn ? value.type : nil, "\(wanted)")
        default:
            return CodingFailure.otherValue(
                text, isOwn && !text.whole.isEmpty ? value.type : nil, "\(type)",
                isCase: isOwn && type is any RawRepresentable.Type)
        }
    }

    private static func isPath(_ path: [any CodingKey]?, within outer: [any CodingKey]) -> Bool {
        guard let path, path.count >= outer.count else { return false }
        return zip(path, outer).allSatisfy { $0.stringValue == $1.stringValue }
    }

    /// The error of the whole reading, for the caller of the store.
    func outcome(_ error: any Error) -> CodexError {
        if let error = error as? CodexError { return error }
        if let error = (error as? DecodingError)?.context?.underlyingError as? CodexError {
            return error
        }
        return CodingFailure.refused(
            CodingPathText(refusedPath ?? codingPath), "init(from:)", cause: error)
    }
}

extension DecodingError {
    /// What the error says of its place.
    fileprivate var context: Context? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context), .dataCorrupted(let context):
            context
        @unknown default: nil
        }
    }

    /// The same error with another context.
    fileprivate func with(_ context: Context) -> DecodingError {
        switch self {
        case .typeMismatch(let type, _): .typeMismatch(type, context)
        case .valueNotFound(let type, _): .valueNotFound(type, context)
        case .keyNotFound(let key, _): .keyNotFound(key, context)
        default: .dataCorrupted(context)
        }
    }
}
