/// An address of IPv4 or IPv6 that text of a pattern or event spells.
///
/// Spellings of one address are equal, such as `::1` and `0:0:0:0:0:0:0:1`. An IPv6 address that
/// has an IPv4 address mapped into it (`::ffff:a00:1`) is that IPv4 address, as in Java.
struct NetworkAddress: Sendable, Hashable {
    /// The version of the protocol, by the width of its addresses.
    enum Width: Int, Sendable, Hashable {
        case version4 = 32
        case version6 = 128
    }

    let width: Width
    let bits: UInt128

    /// The longest spelling: eight groups of four digits, with colons between them.
    private static let byteCountMax = 39

    /// Reads an address; `nil` if the text is none.
    init?(_ text: String) {
        guard text.utf8.count <= Self.byteCountMax else { return nil }
        let bytes = Array(text.utf8)
        if let bits = Self.version4(bytes) {
            (width, self.bits) = (.version4, bits)
        } else if let bits = Self.version6(bytes) {
            let isMapped = bits >> 32 == 0xFFFF
            width = isMapped ? .version4 : .version6
            self.bits = isMapped ? bits & 0xFFFF_FFFF : bits
        } else {
            return nil
        }
    }

    /// Reads four numbers with points between them.
    private static func version4(_ bytes: [UInt8]) -> UInt128? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0
        for part in parts {
            guard let number = parse(part, radix: 10, digitCountMax: 3), number <= 255 else {
                return nil
            }
            bits = bits << 8 | number
        }
        return bits
    }

    /// Reads eight groups with colons between them; two colons stand for groups of zeros.
    private static func version6(_ bytes: [UInt8]) -> UInt128? {
        var groups = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard groups.count >= 3 else { return nil }
        // Two colons at the beginning or end make two empty groups there, and one must remain.
        if groups[0].isEmpty {
            guard groups[1].isEmpty else { return nil }
            groups.removeFirst()
        }
        if groups[groups.count - 1].isEmpty, groups.count > 1 {
            guard groups[groups.count - 2].isEmpty else { return nil }
            groups.removeLast()
        }
        let emptyCount = groups.count(where: { $0.isEmpty })
        let zeroCount = 8 - (groups.count - emptyCount)
        guard emptyCount <= 1, emptyCount == 0 ? zeroCount == 0 : zeroCount >= 1 else { return nil }
        var bits: UInt128 = 0
        for group in groups {
            if group.isEmpty {
                bits = bits << (16 * zeroCount)
            } else {
                guard let number = parse(group, radix: 16, digitCountMax: 4) else { return nil }
                bits = bits << 16 | number
            }
        }
        return bits
    }

    private static func parse(
        _ digits: ArraySlice<UInt8>, radix: UInt128, digitCountMax: Int
    ) -> UInt128? {
        guard !digits.isEmpty, digits.count <= digitCountMax else { return nil }
        var number: UInt128 = 0
        for digit in digits {
            guard let value = digitValue(digit), value < radix else { return nil }
            number = number * radix + value
        }
        return number
    }

    private static func digitValue(_ digit: UInt8) -> UInt128? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt128(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt128(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt128(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

/// A block of addresses, such as `10.0.0.0/24`.
struct AddressBlock: Sendable, Hashable {
    private let width: NetworkAddress.Width
    /// The bits that all addresses of the block begin with.
    private let start: UInt128
    /// The number of bits that differ within the block.
    private let variableBitCount: Int

    /// Reads a block; `nil` if the text is none.
    ///
    /// The number of fixed bits is below the width of an address: 0 to 31, or 0 to 127. The
    /// address may be any of the block.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = NetworkAddress(String(parts[0])),
            (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let fixedBitCount = Int(parts[1]), fixedBitCount < address.width.rawValue
        else { return nil }
        width = address.width
        variableBitCount = address.width.rawValue - fixedBitCount
        start = address.bits >> variableBitCount
    }

    func contains(_ address: NetworkAddress) -> Bool {
        address.width == width && address.bits >> variableBitCount == start
    }
}
