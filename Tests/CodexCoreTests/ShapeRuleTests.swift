import TestSupport
import Testing

@testable import CodexCore

/// Shapes with rules in their stored form.
@Suite("Rules of shapes")
struct ShapeRuleTests {
    private static let names = ["a", "b", "c"]

    private static func decode(_ names: [String], _ rules: [TextRule]) throws -> Shape {
        try Shape(id: 4, encoded: Shape.encode(names, rules: rules).span)
    }

    private static func rule(_ position: Int, _ pieces: TextRule.Piece...) -> TextRule {
        TextRule(position: position, pieces: pieces)
    }

    private static let sound: [TextRule] = [
        rule(0, .literal(Array("A#".utf8)), .attribute(2, dropping: 5), .key("é", dropping: 0)),
        rule(0, .key("p", dropping: 2048)), rule(1, .attribute(2, dropping: 0)),
    ]

    @Test("Names and rules are read as they were written")
    func roundTrip() throws {
        for rules in [[], Self.sound, Array(Self.sound.prefix(1))] {
            let shape = try Self.decode(Self.names, rules)
            #expect(shape.names == Self.names && shape.rules == rules && shape.id == 4)
            let bytes = Shape.encode(Self.names, rules: rules)
            let byteCount = try Shape.namesByteCount(bytes.span)
            #expect(Array(bytes.prefix(byteCount)) == Shape.encode(Self.names))
        }
        #expect(Shape.encode(Self.names, rules: []) == Shape.encode(Self.names))
    }

    @Test("The bytes are those of the format")
    func bytes() {
        let rule = Self.rule(
            1, .literal([65, 35]), .attribute(2, dropping: 5), .key("p", dropping: 300))
        #expect(
            Shape.encode(Self.names, rules: [rule])
                == [1, 97, 1, 98, 1, 99, 0, 1, 3, 0, 2, 65, 35, 1, 2, 5, 2, 1, 112, 0xAC, 2])
    }

    @Test("Rules that refer to each other or themselves, or to nothing, are damage")
    func invalid() throws {
        let source = TextRule.Piece.attribute(2, dropping: 0)
        let literal = TextRule.Piece.literal([UInt8](repeating: 65, count: 32))
        let cases: [[TextRule]] = [
            [Self.rule(0, .attribute(0, dropping: 0))],
            [Self.rule(0, .attribute(1, dropping: 0)), Self.rule(1, .attribute(0, dropping: 0))],
            [Self.rule(0, .attribute(1, dropping: 0)), Self.rule(1, source)],
            [Self.rule(0, .attribute(3, dropping: 0))], [Self.rule(3, source)], [Self.rule(0)],
            [Self.rule(1, source), Self.rule(0, source)],
            [Self.rule(0, .attribute(2, dropping: 2049))],
            [Self.rule(0, .key("p", dropping: 2049))],
            [Self.rule(0, literal, .literal([65]))],
            [TextRule(position: 0, pieces: [TextRule.Piece](repeating: source, count: 17))],
            [TextRule](repeating: Self.rule(0, source), count: 17),
        ]
        for (place, rules) in cases.enumerated() {
            #expect(throws: CodexError(.corrupted, ""), "\(place)") {
                try Self.decode(Self.names, rules)
            }
        }
        let largest = [
            [Self.rule(0, literal, source)],
            [TextRule(position: 0, pieces: [TextRule.Piece](repeating: source, count: 16))],
            [TextRule](repeating: Self.rule(0, source), count: 16),
        ]
        for rules in largest { #expect(try Self.decode(Self.names, rules).rules == rules) }
    }

    @Test("A cut shape is damage, or one with fewer names or rules")
    func cut() throws {
        let bytes = Shape.encode(Self.names, rules: Self.sound)
        for count in 0..<bytes.count {
            let part = Array(bytes.prefix(count))
            guard let shape = try? Shape(id: 0, encoded: part.span) else { continue }
            #expect(Self.names.starts(with: shape.names) && Self.sound.starts(with: shape.rules))
            #expect(Shape.encode(shape.names, rules: shape.rules) == part)
        }
    }

    @Test("Altered shapes give an error or a shape that reads items, never a trap")
    func altered() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("rules of shapes: seed \(seed)")
        var random = SplitMix(seed: seed)
        let sound = Shape.encode(Self.names, rules: Self.sound)
        let item: [UInt8] = [0x30, 0, 0, 1, 0, 1, 0, 2, 0, 8, 0, 0x10, 0x10, 3, 65, 66, 67, 68, 69]
        var shapeCount = 0
        for _ in 0..<20_000 {
            var bytes = sound
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            guard let shape = try? Shape(id: 0, encoded: bytes.span) else { continue }
            shapeCount += 1
            let source = OneShape(shape)
            withExtendedLifetime(source) {
                let code = Self.read(item, source)
                #expect(code == nil || code == .corrupted, "seed \(seed)")
            }
        }
        #expect(shapeCount > 200)
    }

    /// The code of the error of reading an item.
    private static func read(_ item: [UInt8], _ shapes: OneShape) -> CodexError.Code? {
        let keys: [AttributeMap.Element] = [.init(name: "p", value: "KEY")]
        do throws(CodexError) {
            let layout = try ItemLayout(item.span, shapes: shapes)
            _ = try layout.item(item.span, keyAttributes: keys)
            return nil
        } catch {
            return error.code
        }
    }

    private final class OneShape: ShapeSource {
        private let only: Shape

        init(_ shape: Shape) { only = shape }

        func shape(_ id: UInt32) throws(CodexError) -> Shape { only }
    }
}
