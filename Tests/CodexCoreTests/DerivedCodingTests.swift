import Foundation
import TestSupport
import Testing

@testable import CodexCore

/// The stored form of conditions and derived attributes.
@Suite("Coding of derived attributes")
struct DerivedCodingTests {
    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func decoded<Value: Decodable>(
        _ type: Value.Type, _ json: String
    ) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    // MARK: Forms

    private static let conditions: [(Condition, String)] = [
        (.compare(.path("a"), .equal, .value("x")), #"{"=":["a",{"S":"x"}]}"#),
        (.compare(.path("a"), .notEqual, .size("b")), #"{"<>":["a",{"size":"b"}]}"#),
        (.compare(.path("a"), .less, .value(1)), #"{"<":["a",{"N":"1"}]}"#),
        (.compare(.path("a"), .lessOrEqual, .path("b")), #"{"<=":["a","b"]}"#),
        (.compare(.path("a"), .greater, .value(.binary([0]))), #"{">":["a",{"B":"AA=="}]}"#),
        (
            .compare(.path(DocumentPath("a")["b"][1]), .greaterOrEqual, .value(2)),
            #"{">=":["a.b[1]",{"N":"2"}]}"#
        ),
        (
            .between(.path("a"), low: .value(1), high: .value(2)),
            #"{"between":["a",{"N":"1"},{"N":"2"}]}"#
        ),
        (
            .isIn(.path("a"), [.value(true), .value(.null), .value([1, "x"])]),
            #"{"in":["a",{"BOOL":true},{"NULL":true},{"L":[{"N":"1"},{"S":"x"}]}]}"#
        ),
        (.attributeExists("a"), #"{"exists":"a"}"#),
        (.attributeNotExists(DocumentPath("a.b")["[0]"]), #"{"notExists":["a.b","[0]"]}"#),
        (.attributeExists(DocumentPath("")[7]), #"{"exists":["",7]}"#),
        (.attributeType("a", .stringSet), #"{"type":["a","SS"]}"#),
        (.beginsWith(.path("a"), .value("x")), #"{"beginsWith":["a",{"S":"x"}]}"#),
        (
            .contains(.path("a"), .value(["k": .stringSet(["x"])])),
            #"{"contains":["a",{"M":{"k":{"SS":["x"]}}}]}"#
        ),
        (
            .not(.attributeExists("a") || .attributeExists("b") || .attributeExists("c")),
            #"{"not":{"or":[{"exists":"a"},{"exists":"b"},{"exists":"c"}]}}"#
        ),
        (
            .attributeExists("a") && (.attributeExists("b") && .attributeExists("c")),
            #"{"and":[{"exists":"a"},{"and":[{"exists":"b"},{"exists":"c"}]}]}"#
        ),
    ]

    @Test("Each condition has a readable form")
    func forms() throws {
        for (condition, json) in Self.conditions {
            #expect(try Self.json(condition) == json)
            #expect(try Self.decoded(Condition.self, json) == condition, "\(json)")
        }
    }

    @Test("Each derived attribute has a readable form, and an entity without has none")
    func attributeForms() throws {
        let open = Attribute<String>("status") == "open"
        let attributes: [(DerivedAttribute, String)] = [
            (
                .template("SITE#{siteID}", when: open),
                #"{"template":"SITE#{siteID}","when":{"=":["status",{"S":"open"}]}}"#
            ),
            (.copy(of: DocumentPath("parts")[0]), #"{"copy":"parts[0]"}"#),
            (.size(of: "parts"), #"{"size":"parts"}"#),
            (.constant(.numberSet([1, 2])), #"{"constant":{"NS":["1","2"]}}"#),
        ]
        for (attribute, json) in attributes {
            #expect(try Self.json(attribute) == json)
            #expect(try Self.decoded(DerivedAttribute.self, json) == attribute)
        }
        let plain = EntityDefinition("note", table: "t", keys: ["p": "NOTE#{id}"])
        #expect(!(try Self.json(plain).contains("derived")))
        let definition = EntityDefinition(
            "note", table: "t", keys: ["p": "NOTE#{id}"], derived: ["count": .size(of: "parts")])
        #expect(try Self.json(definition).contains(#""derived":{"count":{"size":"parts"}}"#))
        let read = try Self.decoded(EntityDefinition.self, try Self.json(definition))
        #expect(read == definition)
    }

    @Test("Random attributes are read as they were written")
    func random() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var (values, random) = (RandomValues(seed: seed), SplitMix(seed: seed))
        var count = 0
        for turn in 0..<300 {
            let item = values.item()
            var conditions = RandomConditions(item, seed: random.next())
            var paths = RandomPaths(item, seed: random.next())
            let condition = conditions.condition(depth: random.below(6))
            guard (try? condition.validate()) != nil else { continue }
            count += 1
            let value: DerivedAttribute.Value =
                switch random.below(4) {
                case 0: .template(try KeyTemplate("A#{b}#\(turn)"))
                case 1: .copy(paths.path())
                case 2: .size(paths.path())
                default: .constant(.map(item))
                }
            let attribute = DerivedAttribute(value, when: random.chance(80) ? condition : nil)
            let json = try Self.json(attribute)
            let read = try Self.decoded(DerivedAttribute.self, json)
            #expect(read == attribute, "seed \(seed), turn \(turn): \(json)")
        }
        #expect(count > 100, "seed \(seed)")
    }

    @Test("Paths with any names are read as they were written")
    func paths() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let pieces = ["a", ".", "[", "]", "0", "-", "é", "e\u{301}", "\"", "\u{301}", " ", ""]
        func name() -> String { (0...random.below(4)).map { _ in random.pick(pieces) }.joined() }
        for turn in 0..<2000 {
            var path = DocumentPath(name())
            for _ in 0..<random.below(4) {
                path = random.chance(50) ? path[name()] : path[random.below(3)]
            }
            let condition = Condition.attributeExists(path)
            let read = try Self.decoded(Condition.self, try Self.json(condition))
            #expect(read == condition, "seed \(seed), turn \(turn)")
        }
    }

    // MARK: Limits

    /// A condition of so many levels of `not`, with a list around every tenth.
    private static func nested(_ count: Int) -> (condition: Condition, json: String) {
        var (condition, json) = (Condition.attributeExists("a"), #"{"exists":"a"}"#)
        for level in 0..<count {
            if level % 10 == 0 {
                condition = condition && .attributeExists("b")
                json = #"{"and":[\#(json),{"exists":"b"}]}"#
            } else {
                condition = !condition
                json = #"{"not":\#(json)}"#
            }
        }
        return (condition, json)
    }

    @Test("Conditions are nested as deeply as an item, at most", arguments: 31...34)
    func nesting(count: Int) throws {
        let (condition, json) = Self.nested(count)
        if count <= DynamoDBLimits.nestingDepthMax {
            #expect(try Self.json(condition) == json)
            #expect(try Self.decoded(Condition.self, json) == condition)
            try condition.requireStorable()
        } else {
            #expect(throws: EncodingError.self) { try Self.json(condition) }
            #expect(throws: DecodingError.self) { try Self.decoded(Condition.self, json) }
            #expect(throws: CodexError(.invalidExpression, "")) {
                try condition.requireStorable()
            }
        }
    }

    @Test("A list has as many operators as an expression, at most", arguments: 298...302)
    func list(operatorCount: Int) throws {
        let part = Condition.attributeExists("a")
        for isAnd in [true, false] {
            let condition = (0..<operatorCount).reduce(part) { left, _ in
                isAnd ? left && part : left || part
            }
            let parts = Array(repeating: #"{"exists":"a"}"#, count: operatorCount + 1)
            let json = #"{"\#(isAnd ? "and" : "or")":[\#(parts.joined(separator: ","))]}"#
            // The same as a part of a longer list, where it has one more operator around it.
            for isPart in [false, true] {
                let whole = isPart ? part && !condition : condition
                let text = isPart ? #"{"and":[{"exists":"a"},{"not":\#(json)}]}"# : json
                if operatorCount + (isPart ? 2 : 0) <= DynamoDBLimits.expressionOperatorCountMax {
                    #expect(try Self.json(whole) == text)
                    #expect(try Self.decoded(Condition.self, text) == whole)
                } else {
                    #expect(throws: EncodingError.self) { try Self.json(whole) }
                    #expect(throws: DecodingError.self) { try Self.decoded(Condition.self, text) }
                }
            }
        }
    }

    @Test("Literals are nested as deeply as an item's values, at most", arguments: 31...33)
    func literals(depth: Int) throws {
        var (value, json) = (AttributeValue.string("x"), #"{"S":"x"}"#)
        for level in 0..<depth {
            value = level % 2 == 0 ? .list([value]) : ["m": value]
            json = level % 2 == 0 ? #"{"L":[\#(json)]}"# : #"{"M":{"m":\#(json)}}"#
        }
        let attribute = DerivedAttribute.constant(value)
        json = #"{"constant":\#(json)}"#
        if depth <= DynamoDBLimits.nestingDepthMax {
            #expect(try Self.json(attribute) == json)
            #expect(try Self.decoded(DerivedAttribute.self, json) == attribute)
        } else {
            #expect(throws: EncodingError.self) { try Self.json(attribute) }
            #expect(throws: DecodingError.self) { try Self.decoded(DerivedAttribute.self, json) }
        }
    }

    @Test("IN has as many operands as an expression, at most", arguments: [0, 1, 99, 100, 101])
    func operands(count: Int) throws {
        let condition = Condition.isIn(.path("a"), Array(repeating: .value(1), count: count))
        let operands = [#""a""#] + Array(repeating: #"{"N":"1"}"#, count: count)
        let json = #"{"in":[\#(operands.joined(separator: ","))]}"#
        if (1...DynamoDBLimits.inOperandCountMax).contains(count) {
            #expect(try Self.json(condition) == json)
            #expect(try Self.decoded(Condition.self, json) == condition)
        } else {
            #expect(throws: EncodingError.self) { try Self.json(condition) }
            #expect(throws: DecodingError.self) { try Self.decoded(Condition.self, json) }
        }
    }

    // MARK: Hostile input

    private static var hostileConditions: [String] {
        [
            "null", "1", "true", "[]", "{}", #""a""#, #"{"and":[]}"#, #"{"xor":[]}"#,
            #"{"and":[{"exists":"a"}]}"#, #"{"and":{"exists":"a"}}"#, #"{"not":[]}"#,
            #"{"exists":"a","not":{"exists":"a"}}"#, #"{"exists":""}"#, #"{"exists":"a..b"}"#,
            #"{"exists":"a[-1]"}"#, #"{"exists":["a",-1]}"#, #"{"exists":[0]}"#,
            #"{"exists":[]}"#, #"{"exists":["a",1.5]}"#, #"{"exists":["a",null]}"#,
            #"{"exists":{"S":"a"}}"#, #"{"exists":["a",1e30]}"#, #"{"=":["a"]}"#,
            #"{"=":["a","b","c"]}"#, #"{"=":["a","a"]}"#, #"{"=":["a",1]}"#, #"{"=":"a"}"#,
            #"{"=":["a",{}]}"#, #"{"=":["a",{"S":1}]}"#, #"{"=":["a",{"N":1}]}"#,
            #"{"=":["a",{"N":"x"}]}"#, #"{"=":["a",{"N":"1e999"}]}"#, #"{"=":["a",{"B":"A"}]}"#,
            #"{"=":["a",{"S":"x","N":"1"}]}"#, #"{"=":["a",{"SS":["x","x"]}]}"#,
            #"{"=":["a",{"NS":["1","1.0"]}]}"#, #"{"=":["a",{"BS":["?"]}]}"#,
            #"{"=":["a",{"NULL":false}]}"#, #"{"=":["a",{"BOOL":"true"}]}"#,
            #"{"=":["a",{"L":{}}]}"#, #"{"=":["a",{"M":[]}]}"#, #"{"=":["a",{"T":"x"}]}"#,
            #"{"<":["a",{"BOOL":true}]}"#, #"{"between":["a",{"N":"2"},{"N":"1"}]}"#,
            #"{"between":["a",{"N":"1"},{"S":"2"}]}"#, #"{"between":["a",{"N":"1"}]}"#,
            #"{"type":["a"]}"#, #"{"type":["a","X"]}"#, #"{"type":["a","S","S"]}"#,
            #"{"beginsWith":["a",{"N":"1"}]}"#, #"{"contains":["a","a"]}"#,
            #"{"size":"a"}"#, #"{"=":[{"size":{"size":"a"}},"b"]}"#, #"{"EXISTS":"a"}"#,
            String(repeating: #"{"not":"#, count: 100_000),
            String(repeating: #"{"not":"#, count: 400) + #"{"exists":"a"}"#
                + String(repeating: "}", count: 400),
            #"{"or":["#
                + Array(repeating: #"{"exists":"a"}"#, count: 50_000)
                .joined(separator: ",") + "]}",
        ]
    }

    @Test("No other text is a condition")
    func hostileConditions() throws {
        for json in Self.hostileConditions {
            #expect(throws: DecodingError.self, "\(json.prefix(80))") {
                try Self.decoded(Condition.self, json)
            }
        }
    }

    @Test("No other text is a derived attribute")
    func hostileAttributes() throws {
        let texts = [
            "{}", "[]", "null", #"{"when":{"exists":"a"}}"#, #"{"copy":"a","size":"a"}"#,
            #"{"template":"{"}"#, #"{"template":""}"#, #"{"template":1}"#, #"{"copy":1}"#,
            #"{"copy":"a","when":{}}"#, #"{"copy":"a","when":{"exists":1}}"#, #"{"closure":"a"}"#,
            #"{"copy":"a","unless":{"exists":"a"}}"#, #"{"constant":"a"}"#, #"{"constant":{}}"#,
        ]
        for json in texts {
            #expect(throws: DecodingError.self, "\(json)") {
                try Self.decoded(DerivedAttribute.self, json)
            }
        }
    }

    @Test("A map whose names are spellings of one text is refused, and no value is in the error")
    func spellings() throws {
        let map = AttributeMap([("\u{E9}", "hunter2"), ("e\u{301}", "hunter3")])
        #expect(map.count == 2)
        do {
            _ = try Self.json(DerivedAttribute.constant(.map(map)))
            Issue.record("the map was written")
        } catch {
            #expect(error is EncodingError)
            #expect(!"\(error)".contains("hunter"))
        }
    }
}
