import CodexCore
import Foundation
import Testing

/// Types that use the containers of coders by hand.
@Suite("Containers of coders")
struct CodingContainerTests {
    /// An entity with one field.
    struct Holder<Value: Codable & Sendable>: Codable, Entity {
        static var definition: EntityDefinition {
            EntityDefinition("holder", table: "holders", keys: ["PK": "HOLDER#{id}"])
        }

        var id = "1"
        var value: Value
    }

    private func copy<Value: Codable & Sendable>(_ value: Value) throws -> Value {
        try Holder<Value>(item: try Holder(value: value).item()).value
    }

    private func error<Value: Codable & Sendable>(
        _ type: Value.Type, _ attribute: AttributeValue
    ) throws -> CodexError {
        let item: Item = ["PK": "HOLDER#1", "id": "1", "value": attribute]
        return try #require(throws: CodexError.self) { try Holder<Value>(item: item) }
    }

    /// A type that flattens a list into a map of maps.
    struct Manual: Codable, Equatable {
        enum Keys: CodingKey { case outer, list }
        enum InnerKeys: CodingKey { case count }

        var count: Int
        var rows: [[Int]]

        init(count: Int, rows: [[Int]]) { (self.count, self.rows) = (count, rows) }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            let inner = try container.nestedContainer(keyedBy: InnerKeys.self, forKey: .outer)
            count = try inner.decode(Int.self, forKey: .count)
            var list = try container.nestedUnkeyedContainer(forKey: .list)
            rows = []
            while !list.isAtEnd {
                var row = try list.nestedUnkeyedContainer()
                var numbers: [Int] = []
                while !row.isAtEnd { numbers.append(try row.decode(Int.self)) }
                rows.append(numbers)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            // The list is begun first and filled last.
            var list = container.nestedUnkeyedContainer(forKey: .list)
            var inner = container.nestedContainer(keyedBy: InnerKeys.self, forKey: .outer)
            try inner.encode(count, forKey: .count)
            for row in rows {
                var numbers = list.nestedUnkeyedContainer()
                for number in row { try numbers.encode(number) }
            }
        }
    }

    @Test("Nested containers are written and read, and errors in them have the path")
    func nested() throws {
        let value = Manual(count: 3, rows: [[1], [], [2, 3]])
        #expect(try copy(value) == value)
        let item = try Holder(value: value).item()
        #expect(
            item["value"]
                == .map([
                    "outer": .map(["count": 3]),
                    "list": .list([.list([1]), .list([]), .list([2, 3])]),
                ]))
        let outer = AttributeValue.map(["count": 1])
        let bad = try error(
            Manual.self, .map(["outer": outer, "list": .list([.list([1, "x"])])]))
        #expect(bad.attributePath == "value.list[0][1]")
        let missing = try error(Manual.self, .map(["outer": outer]))
        #expect(missing.code == .missingAttribute)
        #expect(missing.attributePath == "value.list")
        let other = try error(Manual.self, .map(["outer": 5, "list": .list([])]))
        #expect(other.attributePath == "value.outer")
        #expect(other.message.contains("needs a map (M)"))
    }

    /// A type that asks for its containers several times, in a given order of steps.
    struct Steps: Codable {
        enum Step: String, Codable, CaseIterable { case first, second, list, plain, superFirst }
        enum Keys: CodingKey { case part }
        enum PartKeys: CodingKey { case a, b }

        var steps: [Step]

        init(_ steps: [Step]) { self.steps = steps }
        init(from decoder: any Decoder) throws { steps = [] }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            for step in steps {
                switch step {
                case .first, .second:
                    var part = container.nestedContainer(keyedBy: PartKeys.self, forKey: .part)
                    try part.encode(step == .first ? 1 : 2, forKey: step == .first ? .a : .b)
                case .list:
                    var part = container.nestedUnkeyedContainer(forKey: .part)
                    try part.encode(3)
                case .plain: try container.encode("x", forKey: .part)
                case .superFirst:
                    let encoder = container.superEncoder(forKey: .part)
                    var part = encoder.container(keyedBy: PartKeys.self)
                    try part.encode(1, forKey: .a)
                }
            }
        }
    }

    @Test("A container that is asked for twice is one, and a plain value replaces it")
    func containerTwice() throws {
        let both = AttributeValue.map(["a": 1, "b": 2])
        let cases: [(steps: [Steps.Step], part: AttributeValue)] = [
            ([.first], .map(["a": 1])), ([.first, .second], both), ([.second, .first], both),
            ([.first, .second, .first], both), ([.superFirst, .second], both),
            ([.second, .superFirst], both), ([.list, .list], .list([3, 3])),
            ([.first, .plain], "x"), ([.plain, .first], .map(["a": 1])),
            ([.first, .plain, .second], .map(["b": 2])), ([.list, .plain, .first], .map(["a": 1])),
            ([.first, .plain, .list, .list], .list([3, 3])), ([.first, .second, .plain], "x"),
        ]
        for (steps, part) in cases {
            let item = try Holder(value: Steps(steps)).item()
            #expect(item["value"] == .map(["part": part]), "\(steps)")
        }
        for steps in [[Steps.Step.first, .list], [.list, .second]] {
            let bad = try #require(throws: CodexError.self) {
                try Holder(value: Steps(steps)).item()
            }
            #expect(bad.code == .typeMismatch)
            #expect(bad.attributePath == "value.part")
        }
    }

    class Base: Codable, @unchecked Sendable {
        var name: String
        init(name: String) { self.name = name }
    }

    final class Derived: Base, @unchecked Sendable {
        private enum Keys: CodingKey { case size }

        var size: Int

        init(name: String, size: Int) {
            self.size = size
            super.init(name: name)
        }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            size = try container.decode(Int.self, forKey: .size)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try super.encode(to: container.superEncoder())
            try container.encode(size, forKey: .size)
        }
    }

    @Test("The part of a superclass is a map under super")
    func superclass() throws {
        let value = Derived(name: "a", size: 2)
        let item = try Holder(value: value).item()
        #expect(item["value"] == .map(["size": 2, "super": .map(["name": "a"])]))
        let read = try copy(value)
        #expect(read.name == "a" && read.size == 2)
        let bad = try error(Derived.self, .map(["size": 2, "super": .map(["name": 1])]))
        #expect(bad.attributePath == "value.super.name")
        let missing = try error(Derived.self, .map(["size": 2]))
        #expect(missing.attributePath == "value.super")
    }

    /// A type that was stored as a number once, and is stored as text now.
    struct Flexible: Codable, Equatable {
        var text: String

        init(_ text: String) { self.text = text }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do {
                text = try container.decode(String.self)
            } catch DecodingError.typeMismatch {
                text = "\(try container.decode(Int.self))"
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }
    }

    @Test("A type catches the decoding error of one form, and reads another")
    func recovery() throws {
        let item: Item = ["PK": "HOLDER#1", "id": "1", "value": .list([7, "x"])]
        #expect(
            try Holder<[Flexible]>(item: item).value == [Flexible("7"), Flexible("x")])
        let bad = try error([Flexible].self, .list(["x", .bool(true)]))
        #expect(bad.attributePath == "value[1]")
    }

    /// A list that leaves out what it cannot read.
    struct Lossy: Codable, Equatable {
        struct Skipped: Decodable { init(from decoder: any Decoder) {} }

        var numbers: [Int]

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            numbers = []
            while !container.isAtEnd {
                if let number = try? container.decode(Int.self) {
                    numbers.append(number)
                } else {
                    _ = try container.decode(Skipped.self)
                }
            }
        }
    }

    @Test("An element that cannot be read stays the next one, as with Foundation's decoders")
    func lossy() throws {
        let item: Item = ["PK": "HOLDER#1", "id": "1", "value": .list([1, "x", 2, .null, 3])]
        #expect(try Holder<Lossy>(item: item).value.numbers == [1, 2, 3])
    }

    struct Pair: Codable {
        init() {}
        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            for _ in 0..<3 { _ = try container.decode(Int.self) }
        }
        func encode(to encoder: any Encoder) throws {}
    }

    @Test("A list that is too short is an error with its size")
    func short() throws {
        let bad = try error(Pair.self, .list([1, 2]))
        #expect(bad.code == .typeMismatch)
        #expect(bad.attributePath == "value")
        #expect(bad.message.contains("2 elements"))
    }

    struct TwoKinds: Codable {
        enum Keys: CodingKey { case a }
        init() {}
        init(from decoder: any Decoder) throws {}
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(1, forKey: .a)
            var list = encoder.unkeyedContainer()
            try list.encode(2)
        }
    }

    @Test("A type that encodes as a map and a list at once is refused")
    func twoKinds() throws {
        let bad = try #require(throws: CodexError.self) {
            try Holder(value: [TwoKinds()]).item()
        }
        #expect(bad.code == .typeMismatch)
        #expect(bad.attributePath == "value[0]")
    }

    /// A type that keeps its decoder.
    struct Keeper: Codable, Entity {
        static let definition = EntityDefinition(
            "keeper", table: "holders", keys: ["PK": "KEEPER#{id}"])
        nonisolated(unsafe) static var decoder: (any Decoder)?

        enum Keys: String, CodingKey { case id }

        init(from decoder: any Decoder) throws { Self.decoder = decoder }
        func encode(to encoder: any Encoder) throws {}
    }

    @Test("A decoder that a type keeps reads nothing after the type's initializer")
    func keptDecoder() throws {
        _ = try Keeper(item: ["PK": "KEEPER#1", "id": "1"])
        let decoder = try #require(Keeper.decoder)
        Keeper.decoder = nil
        let container = try decoder.container(keyedBy: Keeper.Keys.self)
        #expect(throws: CodexError(.invalidArgument, "")) {
            try container.decode(String.self, forKey: .id)
        }
        #expect(!container.contains(.id))
        #expect(container.allKeys.isEmpty)
    }

    @Test("A value that no attribute can have is an error with its path")
    func unstorable() throws {
        for (value, text) in [(Double.infinity, "Infinity"), (.nan, "NaN"), (1e300, "E+125")] {
            let bad = try #require(throws: CodexError.self) {
                try Holder(value: ["k": [1.0, value]]).item()
            }
            #expect(bad.code == .invalidNumber)
            #expect(bad.attributePath == "value.k[1]")
            #expect(bad.message.contains("value.*[1]") && bad.message.contains(text))
        }
        for decimal in [Decimal.nan, Decimal.greatestFiniteMagnitude] {
            let bad = try #require(throws: CodexError.self) {
                try Holder(value: decimal).item()
            }
            #expect(bad.code == .invalidNumber && bad.attributePath == "value")
        }
        let wide = try #require(throws: CodexError.self) {
            try Holder(value: Int128.max).item()
        }
        #expect(wide.code == .invalidNumber && wide.attributePath == "value")
    }
}
