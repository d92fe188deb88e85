internal import CodexCore

/// Reads values of the model from the bytes of any input.
///
/// After the last byte it reads zeros, so that each input gives a value.
struct FuzzInput {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    /// The bytes that were not read.
    var rest: [UInt8] { position < bytes.count ? Array(bytes[position...]) : [] }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func integer() -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
        return value
    }

    /// A number from 0 up to `count`.
    mutating func below(_ count: Int) -> Int { Int(byte()) % count }

    /// Bytes with their length before them.
    mutating func data() -> [UInt8] {
        let count = min(Int(byte()), bytes.count - position)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Text with its length before it; bytes that are not UTF-8 are replaced.
    mutating func text() -> String { String(decoding: data(), as: UTF8.self) }

    /// A number of any size.
    mutating func number() -> Number {
        switch below(4) {
        case 0: return Number(Int64(Int8(bitPattern: byte())))
        case 1: return Number(Int64(bitPattern: integer()))
        default:
            let (sign, exponent) = (byte(), Int(Int8(bitPattern: byte())))
            let magnitude = (UInt128(integer()) << 64 | UInt128(integer())) % Number.powersOfTen[38]
            let number = try? Number(
                negative: sign & 1 == 1, magnitude: magnitude, exponent: exponent)
            return number ?? .zero
        }
    }

    /// A value that a key may have.
    mutating func keyValue(_ type: KeyAttribute.KeyType) -> AttributeValue {
        switch type {
        case .string: .string(text())
        case .binary: .binary(data())
        case .number: .number(number())
        }
    }

    /// A value of any type, with lists and maps down to `depth`.
    mutating func value(depth: Int = 3) -> AttributeValue {
        switch below(depth > 0 ? 10 : 8) {
        case 0: .string(text())
        case 1: .number(number())
        case 2: .binary(data())
        case 3: .bool(byte() & 1 == 1)
        case 4: .null
        case 5: .stringSet(AttributeSet(members { $0.text() }))
        case 6: .numberSet(AttributeSet(members { $0.number() }))
        case 7: .binarySet(AttributeSet(members { $0.data() }))
        case 8: .list(members { $0.value(depth: depth - 1) })
        default: .map(item(depth: depth - 1))
        }
    }

    /// Named values.
    mutating func item(depth: Int = 3) -> Item {
        Item(
            members { input -> (String, AttributeValue) in
                let name = input.text()
                return (name, input.value(depth: depth))
            })
    }

    /// One member or more, as long as there are bytes.
    private mutating func members<Member>(_ read: (inout FuzzInput) -> Member) -> [Member] {
        var members: [Member] = []
        let count = below(6)
        repeat { members.append(read(&self)) } while members.count <= count && !isAtEnd
        return members
    }
}
