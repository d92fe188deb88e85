public import FoundationEssentials

// Conversions of Foundation's types, of enumerations and of dictionaries, as `Codable` entities
// store them.

extension AttributeConvertible where Self: RawRepresentable, RawValue: AttributeConvertible {
    /// The value of the raw value.
    public var attributeValue: AttributeValue { rawValue.attributeValue }

    /// The case whose raw value the attribute has; `nil` if there is none.
    public init?(attributeValue: AttributeValue) {
        guard let rawValue = RawValue(attributeValue: attributeValue) else { return nil }
        self.init(rawValue: rawValue)
    }
}

extension UUID: AttributeConvertible {
    /// A string value, in lower case: `6f9619ff-8b86-d011-b42d-00c04fc964ff`.
    public var attributeValue: AttributeValue { .string(uuidString.lowercased()) }

    /// The identifier in a string value, in any case.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue else { return nil }
        self.init(uuidString: text)
    }
}

extension URL: AttributeConvertible {
    /// A string value: the absolute text.
    public var attributeValue: AttributeValue { .string(absoluteString) }

    /// The address in a string value.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue else { return nil }
        self.init(string: text)
    }
}

extension Data: AttributeConvertible {
    /// A binary value.
    public var attributeValue: AttributeValue { .binary(Array(self)) }

    /// The bytes of a binary value.
    public init?(attributeValue: AttributeValue) {
        guard case .binary(let bytes) = attributeValue else { return nil }
        self.init(bytes)
    }
}

extension Dictionary: AttributeConvertible where Key == String, Value: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        .map(AttributeMap(map { ($0.key, $0.value.attributeValue) }))
    }

    /// The values of a map value by name.
    public init?(attributeValue: AttributeValue) {
        guard case .map(let map) = attributeValue else { return nil }
        self.init(minimumCapacity: map.count)
        for element in map {
            guard let value = Value(attributeValue: element.value) else { return nil }
            self[element.name] = value
        }
    }
}

extension AttributeMap: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue { .map(self) }

    /// The attributes of a map value.
    public init?(attributeValue: AttributeValue) {
        guard case .map(let map) = attributeValue else { return nil }
        self = map
    }
}
