import Foundation
import TestSupport
import Testing

@testable import CodexCore

/// Attributes that an entity's definition derives from others, on items in memory.
@Suite("Derived attributes")
struct DerivedAttributeTests {
    private static func definition(_ derived: [String: DerivedAttribute]) -> EntityDefinition {
        EntityDefinition("order", table: "t", keys: ["p": "ORDER#{id}"], derived: derived)
    }

    /// The item with the derived attributes.
    private static func derive(
        _ derived: [String: DerivedAttribute], _ item: Item
    ) throws(CodexError) -> Item {
        var item = item
        try definition(derived).derive(&item)
        return item
    }

    private static let isOpen = Attribute<String>("status") == "open"

    // MARK: Values

    @Test("A template, a copy, a size and a constant make their values")
    func values() throws {
        let derived: [String: DerivedAttribute] = [
            "site": .template("SITE#{siteID}#{number}"),
            "first": .copy(of: DocumentPath("parts")[0]["name"]),
            "partCount": .size(of: "parts"), "mark": .constant(["v": 1]),
        ]
        let item: Item = [
            "siteID": "north", "number": 7, "parts": [["name": "pump"], ["name": "valve"]],
        ]
        var expected = item
        expected["site"] = "SITE#north#0000000007"
        expected["first"] = "pump"
        expected["partCount"] = 2
        expected["mark"] = ["v": 1]
        #expect(try Self.derive(derived, item) == expected)
        // Again: nothing differs.
        #expect(try Self.derive(derived, expected) == expected)
    }

    @Test("A size is that of conditions: UTF-16 code units, bytes or elements; numbers have none")
    func sizes() throws {
        let sizes: [(AttributeValue, AttributeValue?)] = [
            ("a😀", 3), ("", 0), (.binary([1, 2]), 2), ([1, 2, 3], 3), ([:], 0), (["a": 1], 1),
            (.stringSet(["a", "b"]), 2), (.numberSet([1]), 1), (.binarySet([[], [1]]), 2),
            (5, nil), (true, nil), (.null, nil),
        ]
        for (value, size) in sizes {
            let item = try Self.derive(["n": .size(of: "x")], ["n": "stale", "x": value])
            #expect(item["n"] == size, "\(value.type)")
        }
    }

    @Test("An attribute is absent while an attribute that it is made of is absent")
    func absent() throws {
        let derived: [String: DerivedAttribute] = [
            "site": .template("SITE#{siteID}#{number}"),
            "copy": .copy(of: DocumentPath("a")["b"][1]),
            "count": .size(of: DocumentPath("a")["c"]),
        ]
        let stale: Item = ["site": "SITE#old", "copy": "old", "count": 9]
        for other: Item in [
            [:], ["siteID": "x"], ["number": 1], ["a": ["b": [1]]], ["a": "text"], ["a": ["c": 1]],
        ] {
            var item = stale
            for element in other { item[element.name] = element.value }
            #expect(try Self.derive(derived, item) == other)
        }
    }

    @Test("An attribute exists while its condition holds, and a stale value is replaced")
    func conditions() throws {
        let derived: [String: DerivedAttribute] = [
            "openSite": .template("SITE#{siteID}", when: Self.isOpen),
            "due": .copy(of: "dueAt", when: !Self.isOpen),
            "count": .size(of: "siteID", when: Attribute<Int>("n") > 1 || Self.isOpen),
            "isNew": .constant(true, when: Attribute<String>("doneAt").doesNotExist),
        ]
        let open: Item = ["siteID": "a", "status": "open", "dueAt": 5, "openSite": "forged"]
        #expect(
            try Self.derive(derived, open) == [
                "siteID": "a", "status": "open", "dueAt": 5, "openSite": "SITE#a", "count": 1,
                "isNew": true,
            ])
        let done: Item = [
            "siteID": "a", "status": "done", "dueAt": 5, "openSite": "SITE#a", "doneAt": 6, "n": 2,
            "isNew": true,
        ]
        #expect(
            try Self.derive(derived, done) == [
                "siteID": "a", "status": "done", "dueAt": 5, "due": 5, "doneAt": 6, "n": 2,
                "count": 1,
            ])
    }

    @Test("A value that no key may contain is refused; the message has names and no values")
    func badParts() throws {
        let derived: [String: DerivedAttribute] = ["key": .template("K#{a}", when: Self.isOpen)]
        for value: AttributeValue in ["", "hunter#2", "hunter\n2", true, ["hunter2"], .null] {
            do throws(CodexError) {
                _ = try Self.derive(derived, ["a": value, "status": "open"])
                Issue.record("\(value.type) was taken")
            } catch {
                #expect(error.code == .invalidIdentifier)
                #expect(error.message.contains("derived attribute key of order"))
                #expect(!"\(error)".contains("hunter"))
            }
            // Without the condition, the template is not made.
            let closed: Item = ["a": value, "status": "done"]
            #expect(try Self.derive(derived, closed) == closed)
        }
    }

    @Test("A derived value is plain, also where the item has one that looks encrypted")
    func seals() throws {
        let looksSealed = AttributeValue.binary([0x9E, 0x43, 0x44, 0x58, 1, 2, 3])
        var item: Item = ["copy": looksSealed, "source": looksSealed]
        item = item.recognizingSealedValues()
        #expect(item.element(named: "copy")?.seal == .undecided)
        try Self.definition(["copy": .copy(of: "source")]).derive(&item)
        #expect(item.element(named: "copy")?.seal == .plain)
        #expect(item.element(named: "source")?.seal == .undecided)
    }

    @Test("The names that an entity's templates, derived attributes and conditions read")
    func names() {
        let definition = Self.definition([
            "a": .template("{x}#{y}", when: Self.isOpen), "b": .copy(of: DocumentPath("list")[0]),
            "c": .size(of: "text", when: .compare(.path("m"), .less, .size("n"))),
            "d": .constant(1, when: !Attribute<Int>("z").exists),
        ])
        #expect(
            definition.referencedNames
                == ["id", "x", "y", "status", "list", "text", "m", "n", "z"])
        #expect(DerivedAttribute.constant(1).referencedNames.isEmpty)
    }

    @Test("The differing names of an item are those of missing, stale and impossible attributes")
    func differences() throws {
        let derivation = try #require(
            Derivation(
                Self.definition([
                    "a": .template("{x}"), "b": .copy(of: "y"),
                    "c": .constant(1, when: Self.isOpen),
                ])))
        #expect(derivation.differingNames(in: ["x": "1", "a": "1", "y": 2, "b": 2]).isEmpty)
        #expect(derivation.differingNames(in: ["x": "1", "y": 2, "c": 1]) == ["a", "b", "c"])
        #expect(
            derivation.differingNames(in: ["x": "#", "a": "#", "status": "open"]) == ["a", "c"])
        #expect(Derivation(Self.definition([:])) == nil)
    }

    // MARK: Limits

    /// A comparison of two texts that differ, which takes the given number of steps.
    private static func comparisons(_ name: String, steps: Int, count: Int) -> Condition {
        let other = AttributeValue.string("y" + text(steps).dropFirst())
        return .isIn(.path(DocumentPath(name)), Array(repeating: .value(other), count: count))
    }

    private static func text(_ steps: Int) -> String {
        String(repeating: "x", count: 8 * (steps - 1))
    }

    @Test("The conditions of an item's attributes take as many steps as a condition may, together")
    func steps() throws {
        let unit = 1 << 15
        // All comparisons together take one step less than the limit.
        var parts = (0..<7).map { _ in Self.comparisons("t", steps: unit, count: 64) }
        parts.append(Self.comparisons("t", steps: unit, count: 63))
        parts.append(Self.comparisons("u", steps: unit - 1, count: 1))
        let step = Attribute<Int>("n") == 1
        let item: Item = ["t": .string(Self.text(unit)), "u": .string(Self.text(unit - 1)), "n": 0]
        func derive(_ extra: Int, _ others: Int = 0) throws -> Item {
            let all = parts + Array(repeating: step, count: extra)
            let condition = try #require(Condition.all(all.map { !$0 }))
            var derived: [String: DerivedAttribute] = ["a": .constant(true, when: condition)]
            for number in 0..<others { derived["b\(number)"] = .constant(true, when: !step) }
            return try Self.derive(derived, item)
        }
        #expect(StoreLimits.conditionStepCountMax == 512 * unit)
        #expect(try derive(0)["a"] == true)
        #expect(try derive(1)["a"] == true)
        #expect(throws: CodexError(.invalidExpression, "")) { try derive(2) }
        // The steps of further attributes count, too.
        #expect(try derive(0, 1)["b0"] == true)
        #expect(throws: CodexError(.invalidExpression, "")) { try derive(1, 1) }
        #expect(throws: CodexError(.invalidExpression, "")) { try derive(0, 2) }
    }

    @Test("Derived attributes have at most the bytes of an item", arguments: [-1, 0, 1])
    func byteCount(difference: Int) throws {
        let count = DynamoDBLimits.itemByteCountMax - 2 + difference
        let item: Item = ["t": .string(String(repeating: "x", count: count))]
        func derive() throws -> Item { try Self.derive(["cc": .copy(of: "t")], item) }
        if difference > 0 {
            #expect(throws: CodexError(.itemTooLarge, "")) { try derive() }
        } else {
            #expect(try derive()["cc"] == item["t"])
        }
        let half: Item = [
            "t": .string(String(repeating: "x", count: DynamoDBLimits.itemByteCountMax / 2))
        ]
        #expect(throws: CodexError(.itemTooLarge, "")) {
            try Self.derive(["a": .copy(of: "t"), "b": .copy(of: "t")], half)
        }
    }

    @Test("A constant that no item may have, and an invalid condition, are refused")
    func validation() throws {
        let whole = AttributeValue.string(
            String(repeating: "x", count: DynamoDBLimits.itemByteCountMax))
        let invalid: [(DerivedAttribute, CodexError.Code)] = [
            (.constant(.stringSet([])), .invalidItem), (.constant(whole), .itemTooLarge),
            (.copy(of: "a", when: .isIn(.path("a"), [])), .invalidExpression),
            (.size(of: "a", when: .compare(.path("a"), .less, .value(true))), .invalidExpression),
        ]
        for (attribute, code) in invalid {
            #expect(throws: CodexError(code, "")) { try attribute.validate() }
        }
        for attribute: DerivedAttribute in [
            .constant(["a": [.null, 1]]), .template("X", when: Self.isOpen),
        ] {
            try attribute.validate()
        }
    }
}
