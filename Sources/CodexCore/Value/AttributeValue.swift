/// A value of one of DynamoDB's ten attribute types.
///
/// Equality and hashing follow DynamoDB at every depth: strings compare by UTF-8 bytes, numbers by
/// value, and sets without order.
public enum AttributeValue: Sendable {
    /// `S`: text, compared by UTF-8 bytes.
    case string(String)
    /// `N`: an exact decimal number.
    case number(Number)
    /// `B`: bytes, compared unsigned.
    case binary([UInt8])
    /// `BOOL`: true or false.
    case bool(Bool)
    /// `NULL`: the explicit null.
    case null
    /// `L`: an ordered list of values of any types.
    case list([AttributeValue])
    /// `M`: named values.
    case map(AttributeMap)
    /// `SS`: a set of strings, never empty in a stored item.
    case stringSet(AttributeSet<String>)
    /// `NS`: a set of numbers, never empty in a stored item.
    case numberSet(AttributeSet<Number>)
    /// `BS`: a set of binaries, never empty in a stored item.
    case binarySet(AttributeSet<[UInt8]>)
}

/// The type of an ``AttributeValue``; the raw value is DynamoDB's descriptor.
public enum AttributeType: String, Sendable, Hashable, CaseIterable, Codable {
    /// Text.
    case string = "S"
    /// A decimal number.
    case number = "N"
    /// Bytes.
    case binary = "B"
    /// True or false.
    case bool = "BOOL"
    /// The explicit null.
    case null = "NULL"
    /// A list.
    case list = "L"
    /// A map.
    case map = "M"
    /// A set of strings.
    case stringSet = "SS"
    /// A set of numbers.
    case numberSet = "NS"
    /// A set of binaries.
    case binarySet = "BS"
}

extension AttributeValue {
    /// The value's type.
    public var type: AttributeType {
        switch self {
        case .string: .string
        case .number: .number
        case .binary: .binary
        case .bool: .bool
        case .null: .null
        case .list: .list
        case .map: .map
        case .stringSet: .stringSet
        case .numberSet: .numberSet
        case .binarySet: .binarySet
        }
    }

    /// The text of a string value; otherwise `nil`.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number of a number value; otherwise `nil`.
    public var number: Number? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The attributes of a map value; otherwise `nil`.
    public var map: AttributeMap? {
        if case .map(let value) = self { value } else { nil }
    }

    /// The elements of a list value; otherwise `nil`.
    public var list: [AttributeValue]? {
        if case .list(let value) = self { value } else { nil }
    }
}

extension AttributeValue: Hashable {
    /// Compares type and content by DynamoDB's rules.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        switch (lhs, rhs) {
        case (.string(let left), .string(let right)): ByteOrder.equal(left, right)
        case (.number(let left), .number(let right)): left == right
        case (.binary(let left), .binary(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.null, .null): true
        case (.list(let left), .list(let right)): left == right
        case (.map(let left), .map(let right)): left == right
        case (.stringSet(let left), .stringSet(let right)): left == right
        case (.numberSet(let left), .numberSet(let right)): left == right
        case (.binarySet(let left), .binarySet(let right)): left == right
        default: false
        }
    }

    /// Hashes the content.
    ///
    /// Canonically equivalent strings may share a hash, but they are not equal.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .string(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .binary(let value): hasher.combine(value)
        case .bool(let value): hasher.combine(value)
        case .null: hasher.combine(0)
        case .list(let value): hasher.combine(value)
        case .map(let value): hasher.combine(value)
        case .stringSet(let value): hasher.combine(value)
        case .numberSet(let value): hasher.combine(value)
        case .binarySet(let value): hasher.combine(value)
        }
    }
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A string value.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A number value.
    public init(integerLiteral value: Int64) { self = .number(Number(value)) }
    /// A Boolean value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list value.
    public init(arrayLiteral elements: AttributeValue...) { self = .list(elements) }
    /// A map value; the last value of equal names wins.
    public init(dictionaryLiteral elements: (String, AttributeValue)...) {
        self = .map(AttributeMap(elements))
    }
}
