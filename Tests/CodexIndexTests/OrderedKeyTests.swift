import CodexCore
import TestSupport
import Testing

@testable import CodexIndex

@Suite("Ordered keys")
struct OrderedKeyTests {
    static let texts = [
        "", "\0", "\0\0", "\0\u{1}", "\u{1}", "\u{1}\0", "\u{1}\u{1}", "\u{1}\u{2}", "\u{2}", "a",
        "a\0",
        "a\0b", "a\u{1}", "a\u{2}", "aa", "b", "é", "\u{10FFFF}",
    ]
    static let numbers = [
        "-9.99e125", "-1e100", "-12345.67", "-100", "-99", "-10", "-9.5", "-9", "-1.01", "-1",
        "-0.5",
        "-1e-130", "0", "1e-130", "1e-129", "0.001", "0.5", "1", "1.01", "1.1", "9", "9.5", "10",
        "10.5",
        "99", "100", "101", "12345.67", "1e37", "99999999999999999999999999999999999999", "1e100",
        "9.99e125",
    ]

    func encode(_ values: [AttributeValue], lastIsLast: Bool) -> [UInt8] {
        var key: [UInt8] = []
        for (index, value) in values.enumerated() {
            OrderedKey.append(value, isLast: lastIsLast && index == values.count - 1, to: &key)
        }
        return key
    }

    @Test("Bytes order as text does, alone, first of two, and last of two")
    func textOrder() {
        for (i, left) in Self.texts.enumerated() {
            for (j, right) in Self.texts.enumerated() where i != j {
                let expected = ByteOrder.compare(left, right) < 0
                #expect(expected == (i < j))
                for (a, b): ([AttributeValue], [AttributeValue]) in [
                    ([.string(left)], [.string(right)]),
                    ([.string(left), "z"], [.string(right), "a"]),
                    (["p", .string(left)], ["p", .string(right)]),
                ] {
                    let order = ByteOrder.compare(
                        encode(a, lastIsLast: true), encode(b, lastIsLast: true))
                    #expect((order < 0) == expected, "\(a) \(b)")
                }
            }
        }
    }

    @Test("Bytes order as numbers do, and no number is the beginning of another")
    func numberOrder() throws {
        let keys = try Self.numbers.map {
            encode([.number(try Number(parsing: $0))], lastIsLast: true)
        }
        for (i, left) in keys.enumerated() {
            for (j, right) in keys.enumerated() where i != j {
                #expect((ByteOrder.compare(left, right) < 0) == (i < j), "\(Self.numbers[i])")
                #expect(!right.starts(with: left))
            }
        }
    }

    @Test("Parts are read back, whatever they contain")
    func decoding() throws {
        for text in Self.texts {
            for number in Self.numbers {
                let values: [AttributeValue] = [
                    .string(text), .number(try Number(parsing: number)),
                    .binary(Array(text.utf8) + [255]), .string(text),
                ]
                for lastIsLast in [true, false] {
                    let key = encode(values, lastIsLast: lastIsLast)
                    var position = 0
                    for (index, type) in [KeyAttribute.KeyType.string, .number, .binary, .string]
                        .enumerated()
                    {
                        let isLast = lastIsLast && index == 3
                        let value = try OrderedKey.decode(
                            type, key.span, &position, isLast: isLast)
                        #expect(value == values[index])
                    }
                    #expect(position == key.count)
                }
            }
        }
    }

    @Test("Different keys never encode alike: no content forges a part's end")
    func injective() {
        var seen: [[UInt8]: [String]] = [:]
        for first in Self.texts {
            for second in Self.texts {
                for third in Self.texts {
                    let key = encode(
                        [.string(first), .string(second), .string(third)], lastIsLast: true)
                    #expect(seen.updateValue([first, second, third], forKey: key) == nil)
                }
            }
        }
    }

    @Test("Hostile keys give an error, never a trap")
    func hostile() {
        let seed = UInt64.random(in: .min ... .max)
        print("keys: hostile bytes with seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<50_000 {
            let bytes = (0..<7).map { _ in UInt8.random(in: 0..<8, using: &random) }
            for type in [KeyAttribute.KeyType.string, .number, .binary] {
                var position = 0
                do {
                    _ = try OrderedKey.decode(type, bytes.span, &position, isLast: false)
                } catch {
                    #expect(error.code == .corrupted)
                }
            }
        }
    }
}
