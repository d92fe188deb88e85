/// A value in a stored definition, in DynamoDB JSON: `{"S": "open"}`.
///
/// Each value has its type, and numbers and bytes are exact.
struct LiteralForm: Codable {
    let value: AttributeValue
    /// The number of lists and maps around the value.
    private let depth: Int

    init(_ value: AttributeValue) { self.init(value, depth: 0) }

    private init(_ value: AttributeValue, depth: Int) {
        self.value = value
        self.depth = depth
    }

    init(from decoder: any Decoder) throws { self.init(try Self.value(decoder, depth: 0)) }

    // MARK: Reading

    private static func value(_ decoder: any Decoder, depth: Int) throws -> AttributeValue {
        let member = try SingleMember(decoder)
        let content = member.content
        switch AttributeType(rawValue: member.name) {
        case nil:
            throw decoder.refusal(
                "A value has one member, named S, N, B, BOOL, NULL, L, M, SS, NS or BS.")
        case .string: return .string(try content.singleValueContainer().decode(String.self))
        case .number:
            let text = try content.singleValueContainer().decode(String.self)
            return .number(try number(text, content))
        case .binary:
            let text = try content.singleValueContainer().decode(String.self)
            return .binary(try bytes(text, content))
        case .bool: return .bool(try content.singleValueContainer().decode(Bool.self))
        case .null:
            guard try content.singleValueContainer().decode(Bool.self) else {
                throw content.refusal("The value of NULL is true.")
            }
            return .null
        case .list: return .list(try list(content, depth: depth))
        case .map: return .map(try map(content, depth: depth))
        case .stringSet: return .stringSet(try set(content) { text, _ in text })
        case .numberSet: return .numberSet(try set(content, number))
        case .binarySet: return .binarySet(try set(content, bytes))
        }
    }

    private static func number(_ text: String, _ decoder: any Decoder) throws -> Number {
        try decoder.refusing { () throws(CodexError) in try Number(parsing: text) }
    }

    private static func bytes(_ text: String, _ decoder: any Decoder) throws -> [UInt8] {
        try decoder.refusing { () throws(CodexError) in try Base64.decode(text) }
    }

    private static func list(_ decoder: any Decoder, depth: Int) throws -> [AttributeValue] {
        guard depth < DynamoDBLimits.nestingDepthMax else { throw decoder.refusal(tooDeep) }
        var container = try decoder.unkeyedContainer()
        var values: [AttributeValue] = []
        while !container.isAtEnd {
            values.append(try value(try container.superDecoder(), depth: depth + 1))
        }
        return values
    }

    private static func map(_ decoder: any Decoder, depth: Int) throws -> AttributeMap {
        guard depth < DynamoDBLimits.nestingDepthMax else { throw decoder.refusal(tooDeep) }
        let container = try decoder.container(keyedBy: MemberKey.self)
        var elements: [AttributeMap.Element] = []
        for key in container.allKeys {
            let content = try container.superDecoder(forKey: key)
            elements.append(
                .init(name: key.stringValue, value: try value(content, depth: depth + 1)))
        }
        return AttributeMap(unsorted: elements)
    }

    private static func set<Member>(
        _ decoder: any Decoder, _ member: (String, any Decoder) throws -> Member
    ) throws -> AttributeSet<Member> {
        var container = try decoder.unkeyedContainer()
        var members: [Member] = []
        while !container.isAtEnd {
            members.append(try member(try container.decode(String.self), decoder))
        }
        guard let set = AttributeSet(distinct: members) else {
            throw decoder.refusal("A set has a member twice.")
        }
        return set
    }

    // MARK: Writing

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: MemberKey.self)
        let key = MemberKey(value.type.rawValue)
        switch value {
        case .string(let text): try object.encode(text, forKey: key)
        case .number(let number): try object.encode(number.description, forKey: key)
        case .binary(let bytes): try object.encode(Base64.encode(bytes), forKey: key)
        case .bool(let flag): try object.encode(flag, forKey: key)
        case .null: try object.encode(true, forKey: key)
        case .list(let values):
            try requireDepth(encoder)
            try object.encode(values.map { Self($0, depth: depth + 1) }, forKey: key)
        case .map(let map):
            try requireDepth(encoder)
            // Decoders of JSON take equivalent spellings of a name for one name.
            guard Set(map.names).count == map.count else {
                throw encoder.refusal("Two names of a map are spellings of the same text.")
            }
            var members = object.nestedContainer(keyedBy: MemberKey.self, forKey: key)
            for element in map {
                let form = Self(element.value, depth: depth + 1)
                try members.encode(form, forKey: MemberKey(element.name))
            }
        case .stringSet(let set): try object.encode(set.members, forKey: key)
        case .numberSet(let set):
            try object.encode(set.members.map(\.description), forKey: key)
        case .binarySet(let set):
            try object.encode(set.members.map { Base64.encode($0) }, forKey: key)
        }
    }

    private func requireDepth(_ encoder: any Encoder) throws {
        guard depth < DynamoDBLimits.nestingDepthMax else { throw encoder.refusal(Self.tooDeep) }
    }

    private static var tooDeep: String {
        "A value has at most \(DynamoDBLimits.nestingDepthMax) levels of lists and maps."
    }
}

// MARK: Objects with names as data

/// The name of a member of an object in a stored definition.
struct MemberKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

/// An object with one member, whose name is its kind.
struct SingleMember {
    let name: String
    let content: any Decoder

    init(_ decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberKey.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw decoder.refusal("An object with exactly one member is expected.")
        }
        name = key.stringValue
        content = try container.superDecoder(forKey: key)
    }
}

extension Decoder {
    /// The error for content that has no valid form.
    func refusal(_ problem: String, _ cause: (any Error)? = nil) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath, debugDescription: problem, underlyingError: cause))
    }

    /// The result of `body`, whose error becomes the decoder's.
    func refusing<Result>(_ body: () throws(CodexError) -> Result) throws -> Result {
        do throws(CodexError) {
            return try body()
        } catch {
            throw refusal(error.message, error)
        }
    }
}

extension Encoder {
    /// The error for a part of a definition that has no stored form.
    func refusal(_ problem: String, _ cause: (any Error)? = nil) -> EncodingError {
        // The error shows its first value, so that is not the user's.
        .invalidValue(
            problem,
            EncodingError.Context(
                codingPath: codingPath, debugDescription: problem, underlyingError: cause))
    }
}
