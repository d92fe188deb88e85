internal import FoundationEssentials

/// Why a look at a value gives no value of the type that is asked for.
enum ReadingMiss {
    /// The item or map lacks it.
    case absent
    /// It is encrypted, and its key is unavailable.
    case unopened
    /// It is null.
    case null
    /// It has another type, or its content does not fit; the type is the value's.
    case other(AttributeType)
}

/// The result of a look at a value: the value in the type that is asked for, or why there is none.
enum Reading<Value> {
    case value(Value)
    case miss(ReadingMiss)

    /// The value in another type.
    ///
    /// - Parameters:
    ///   - type: The attribute type of the value.
    ///   - convert: Makes the other value; `nil` if the content does not fit.
    /// - Returns: The other value, or why there is none.
    @inline(__always)
    func converted<Other>(
        _ type: AttributeType, _ convert: (Value) -> Other?
    ) -> Reading<Other> {
        switch self {
        case .value(let value):
            guard let other = convert(value) else { return .miss(.other(type)) }
            return .value(other)
        case .miss(let miss): return .miss(miss)
        }
    }
}

// MARK: Types of attributes

extension Reading<AttributeValue> {
    /// The text of a string.
    var text: Reading<String> {
        switch self {
        case .value(.string(let text)): .value(text)
        case .value(let other): .miss(Self.miss(other))
        case .miss(let miss): .miss(miss)
        }
    }

    /// A Boolean.
    var flag: Reading<Bool> {
        switch self {
        case .value(.bool(let flag)): .value(flag)
        case .value(let other): .miss(Self.miss(other))
        case .miss(let miss): .miss(miss)
        }
    }

    /// A number.
    var number: Reading<Number> {
        switch self {
        case .value(.number(let number)): .value(number)
        case .value(let other): .miss(Self.miss(other))
        case .miss(let miss): .miss(miss)
        }
    }

    /// Bytes.
    var binary: Reading<[UInt8]> {
        switch self {
        case .value(.binary(let bytes)): .value(bytes)
        case .value(let other): .miss(Self.miss(other))
        case .miss(let miss): .miss(miss)
        }
    }

    private static func miss(_ other: AttributeValue) -> ReadingMiss {
        if case .null = other { .null } else { .other(other.type) }
    }
}

// MARK: Numbers

extension Reading<Number> {
    /// The number as an integer, if it fits.
    @inline(__always)
    func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) -> Reading<Integer> {
        converted(.number) { number in
            if let small = number.int64, let exact = Integer(exactly: small) { return exact }
            // Integers past 64 bits are rare, and only text has all their digits.
            return Integer(number.description)
        }
    }

    /// The nearest double.
    var double: Reading<Double> { converted(.number) { $0.nearestDouble } }

    /// The nearest float, if there is one.
    var float: Reading<Float> {
        converted(.number) { number in
            let float = Float(number.nearestDouble)
            return float.isFinite ? float : nil
        }
    }
}

// MARK: Types that are read without a decoder

extension Reading {
    /// The value as one of the types that are stored as a string, a number or bytes.
    ///
    /// - Parameter stored: The stored value.
    /// - Returns: The value or why there is none; `nil` if the type is not one of them.
    static func special(_ stored: AttributeValue) -> Reading? {
        let reading = Reading<AttributeValue>.value(stored)
        // A comparison of two types is one of two words, unlike a cast.
        if Value.self == String.self { return cast(reading.text) }
        if Value.self == Int.self { return cast(reading.number.integer(Int.self)) }
        if Value.self == Date.self { return cast(reading.text.date) }
        if Value.self == UUID.self {
            return cast(reading.text.converted(.string) { UUID(uuidString: $0) })
        }
        if Value.self == Number.self { return cast(reading.number) }
        if Value.self == Double.self { return cast(reading.number.double) }
        if Value.self == Bool.self { return cast(reading.flag) }
        if Value.self == Decimal.self {
            return cast(reading.number.converted(.number) { Decimal(exactly: $0) })
        }
        if Value.self == Data.self {
            return cast(reading.binary.converted(.binary) { Data($0) })
        }
        if Value.self == URL.self {
            return cast(reading.text.converted(.string) { URL(string: $0) })
        }
        return nil
    }

    /// The same reading; `Other` must be the same type as `Value`.
    @inline(__always)
    static func cast<Other>(_ reading: Reading<Other>) -> Reading {
        precondition(Other.self == Value.self)
        // Sound: the two types were just compared.
        return unsafe unsafeBitCast(reading, to: Reading.self)
    }
}

extension Reading<String> {
    /// The instant in the text.
    var date: Reading<Date> { converted(.string) { Timestamp.date($0) } }
}
