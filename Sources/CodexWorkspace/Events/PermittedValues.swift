internal import CodexCore

/// The list of permitted values and tests that a pattern has for a field.
struct PermittedValues: Sendable, Hashable {
    /// Values that the event's value may equal; one of any number is found in constant time.
    var values: Set<AttributeValue> = []
    /// Addresses that the event's text may spell.
    var addresses: Set<NetworkAddress> = []
    /// Tests that the event's value may pass.
    var tests: [ValueTest] = []
    /// Whether the list has `{"exists": false}`: the event may have no value.
    var permitsAbsence = false

    /// The most bytes of a text in a pattern: a character has at most four.
    private static let byteCountMax = 4 * CodexFlow.Limits.eventPatternCharacterCountMax

    /// Whether a value of the event is one of the values or passes one of the tests.
    ///
    /// - Parameter value: Text, a number, a Boolean or null.
    /// - Returns: Whether the value is permitted.
    /// - Complexity: O(*t* (*n* + *m*)) for *t* tests, and *n* and *m* bytes of value and tests.
    func permit(_ value: AttributeValue) -> Bool {
        equal(value) || isAddress(value) || tests.contains { $0.passes(value) }
    }

    private func equal(_ value: AttributeValue) -> Bool {
        if values.isEmpty { return false }
        if case .string(let text) = value, text.utf8.count > Self.byteCountMax { return false }
        return values.contains(value)
    }

    private func isAddress(_ value: AttributeValue) -> Bool {
        guard !addresses.isEmpty, case .string(let text) = value else { return false }
        return NetworkAddress(text).map { addresses.contains($0) } ?? false
    }
}

/// An operator of a pattern with its operand, as far as it is about a value.
///
/// A test of text is passed by text alone, and one of numbers by numbers alone.
enum ValueTest: Sendable, Hashable {
    case exists
    case prefix([UInt8])
    case suffix([UInt8])
    case prefixIgnoringCase(CaselessText)
    case suffixIgnoringCase(CaselessText)
    case equalsIgnoringCase(CaselessText)
    case wildcard(Wildcard)
    case numeric([NumberBound])
    case cidr(AddressBlock)
    /// A value passes unless it is permitted here.
    case anythingBut(PermittedValues)

    func passes(_ value: AttributeValue) -> Bool {
        switch self {
        case .exists: return true
        case .anythingBut(let excluded): return !excluded.permit(value)
        case .numeric(let bounds):
            guard let number = value.number, NumberBound.canCompare(number) else { return false }
            return bounds.allSatisfy { $0.permits(number) }
        default: return value.string.map { passes($0) } ?? false
        }
    }

    private func passes(_ text: String) -> Bool {
        switch self {
        case .prefix(let bytes): return text.utf8.starts(with: bytes)
        case .suffix(let bytes): return text.utf8.suffix(bytes.count).elementsEqual(bytes)
        case .prefixIgnoringCase(let start): return start.isPrefix(of: text)
        case .suffixIgnoringCase(let end): return end.isSuffix(of: text)
        case .equalsIgnoringCase(let whole): return whole.equals(text)
        case .wildcard(let wildcard):
            var steps = 0
            return wildcard.matches(Array(text.utf8), steps: &steps)
        case .cidr(let block): return NetworkAddress(text).map { block.contains($0) } ?? false
        case .exists, .anythingBut, .numeric: return false
        }
    }
}

/// A comparison with a number.
struct NumberBound: Sendable, Hashable {
    /// The operators of comparisons.
    enum Comparison: String, Sendable, Hashable {
        case equal = "="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="

        /// Whether the comparison bounds from below, so that another one may follow it.
        var isLower: Bool { self == .greater || self == .greaterOrEqual }
        /// Whether the comparison bounds from above.
        var isUpper: Bool { self == .less || self == .lessOrEqual }
    }

    let comparison: Comparison
    let number: Number

    /// The largest magnitude that Event Ruler compares.
    private static let magnitudeMax = Number(500_000_000_000)
    /// The most decimals that Event Ruler compares.
    private static let decimalCountMax: Int16 = 6

    /// Whether Event Ruler compares the number by value.
    ///
    /// Numbers that it does not compare are refused in tests of a pattern. In an event they pass no
    /// comparison.
    static func canCompare(_ number: Number) -> Bool {
        number.exponent >= -decimalCountMax && number <= magnitudeMax
            && number >= magnitudeMax.negated
    }

    func permits(_ value: Number) -> Bool {
        switch comparison {
        case .equal: value == number
        case .less: value < number
        case .lessOrEqual: value <= number
        case .greater: value > number
        case .greaterOrEqual: value >= number
        }
    }
}
