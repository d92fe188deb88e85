import CodexCore
import Foundation
import TestSupport
import Testing

/// That `Codable` values come back as they were, and become the attributes that they should.
@Suite("Fidelity of Codable types")
struct CodingFidelityTests {
    struct Holder<Value: Codable & Sendable & Equatable>: Codable, Entity, Equatable {
        static var definition: EntityDefinition {
            EntityDefinition("holder", table: "holders", keys: ["PK": "HOLDER#{id}"])
        }

        var id = "1"
        var value: Value
        var list: [Value]
        var byName: [String: Value]
        var optional: Value?
        var absent: Value?

        init(_ value: Value) {
            self.value = value
            (list, byName, optional) = ([value, value], ["k": value], value)
        }
    }

    /// Stores a value in each place, and reads it; returns its attribute.
    @discardableResult
    private func check<Value: Codable & Sendable & Equatable>(
        _ value: Value, _ note: String = ""
    ) throws -> AttributeValue {
        let holder = Holder(value)
        let item = try holder.item()
        #expect(try Holder<Value>(item: item) == holder, "\(value) \(note)")
        let stored = try #require(item["value"])
        #expect(item["list"] == .list([stored, stored]))
        #expect(item["byName"] == .map(["k": stored]))
        #expect(item["optional"] == stored)
        #expect(item["absent"] == nil)
        return stored
    }

    @Test("Integers of all widths, at their limits")
    func integers() throws {
        func limits<Integer: FixedWidthInteger & Codable & Sendable>(
            _ type: Integer.Type
        ) throws {
            for value in [Integer.min, .min + 1, 0, 1, .max - 1, .max] {
                #expect(try check(value) == .number(try Number(parsing: "\(value)")))
            }
        }
        try limits(Int.self)
        try limits(Int8.self)
        try limits(Int16.self)
        try limits(Int32.self)
        try limits(Int64.self)
        try limits(UInt.self)
        try limits(UInt8.self)
        try limits(UInt16.self)
        try limits(UInt32.self)
        try limits(UInt64.self)
        // 38 digits, which is as many as a number has.
        let wide = try #require(Int128("90000000000000000000000000000000000000"))
        for value in [wide, -wide, wide + 1, Int128(Int64.max) + 1] { try check(value) }
        try check(UInt128(UInt64.max) + 1)
    }

    @Test("One more than an integer's limit is refused")
    func beyond() throws {
        func refuse<Integer: FixedWidthInteger & Codable & Sendable>(
            _ type: Integer.Type
        ) throws {
            let limits: [(Integer, Number)] = [(.max, 1), (.min, -1)]
            for (limit, step) in limits {
                let number = try Number(parsing: "\(limit)").adding(step)
                var item = try Holder(Integer(0)).item()
                item["value"] = .number(number)
                let error = try #require(throws: CodexError.self) {
                    try Holder<Integer>(item: item)
                }
                #expect(error.attributePath == "value")
            }
        }
        try refuse(Int8.self)
        try refuse(UInt8.self)
        try refuse(Int16.self)
        try refuse(Int32.self)
        try refuse(Int.self)
        try refuse(UInt64.self)
    }

    @Test("Decimals are numbers, with all their digits")
    func decimals() throws {
        for text in [
            "0", "12.5", "-0.01", "99999999999999999999999999999999999999", "1e-127", "1e-128",
            "9.9999999999999999999999999999999999999e87", "1e125", "-18446744073709551616",
        ] {
            let decimal = try #require(Decimal(string: text))
            #expect(try check(decimal) == .number(try Number(parsing: text)), "\(text)")
        }
        var random = SplitMix(seed: 24)
        for round in 0..<500 {
            let digits = (0..<(1 + random.below(38))).map { _ in "\(random.below(10))" }
            let sign = random.chance(50) ? "-" : ""
            let text = "\(sign)\(digits.joined())e\(random.below(180) - 100)"
            guard let number = try? Number(parsing: text), let decimal = Decimal(string: text)
            else { continue }
            #expect(try check(decimal, "seed 24, round \(round)") == .number(number), "\(text)")
        }
    }

    @Test("A number that no decimal has is refused, and is not rounded")
    func largeNumbers() throws {
        for text in ["1e-129", "1.2345678901234567890123456789012345678e-100"] {
            var item = try Holder(Decimal(1)).item()
            item["value"] = .number(try Number(parsing: text))
            let error = try #require(throws: CodexError.self) {
                try Holder<Decimal>(item: item)
            }
            #expect(error.code == .typeMismatch && error.attributePath == "value", "\(text)")
        }
    }

    @Test("Doubles and floats come back bit for bit")
    func doubles() throws {
        var random = SplitMix(seed: 53)
        for value in [0, 1, -1, 0.1, 1.0 / 3, 0x1p53, 0x1p53 + 2, 1e22, 1e23, 1e-22, 123456.789] {
            try check(value)
        }
        for round in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite, value.magnitude > 1e-129, value.magnitude < 1e125 else {
                continue
            }
            try check(value, "seed 53, round \(round)")
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite { try check(float, "seed 53, round \(round)") }
        }
    }

    @Test("A decimal number is read as the nearest double")
    func nearest() throws {
        var random = SplitMix(seed: 7)
        for round in 0..<2000 {
            let text = "\(random.next() >> 8).\(random.next() >> 44)e\(random.below(60) - 30)"
            guard let number = try? Number(parsing: text) else { continue }
            var item = try Holder(1.5).item()
            item["value"] = .number(number)
            #expect(
                try Holder<Double>(item: item).value == Double(text),
                "\(text), seed 7, round \(round)")
        }
    }

    @Test("Identifiers, addresses, bytes and instants")
    func foundation() throws {
        let id = UUID()
        #expect(try check(id) == .string(id.uuidString.lowercased()))
        var item = try Holder(id).item()
        item["value"] = .string(id.uuidString)
        #expect(try Holder<UUID>(item: item).value == id)
        let url = try #require(URL(string: "https://example.com/a%20b?c=d#e"))
        #expect(try check(url) == .string(url.absoluteString))
        for count in [0, 1, 1023, 1024, 5000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
            #expect(try check(Data(bytes)) == .binary(bytes))
        }
        for milliseconds in [0, 1, -1, 1_762_300_800_123, -62_167_219_200_000] {
            try check(Date(timeIntervalSince1970: Double(milliseconds) / 1000))
        }
    }

    @Test("Text of any size and script, and names that are long or need no small string")
    func texts() throws {
        for count in [0, 1, 14, 15, 16, 1023, 1024, 1025, 70_000] {
            try check(String(repeating: "a", count: count))
            try check(String(repeating: "é", count: count))
        }
        try check(["a": "", "ä": "1", "a̋": "2", String(repeating: "n", count: 300): "3"])
        try check([true, false])
        try check([Int?.none, 1, nil])
    }

    struct Wide: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "wide", table: "holders", keys: ["PK": "WIDE#{identifierOfTheWideEntity}"])

        var identifierOfTheWideEntity = "1"
        var values: [String: Int]
    }

    @Test("Items of many attributes, and fields with long names")
    func wide() throws {
        for count in [0, 31, 32, 33, 500] {
            let pairs = (0..<count).map { ("attribute number \($0)", $0) }
            let wide = Wide(values: Dictionary(uniqueKeysWithValues: pairs))
            let item = try wide.item()
            #expect(try Wide(item: item) == wide)
            var more = item
            for pair in pairs { more[pair.0] = .number(Number(pair.1)) }
            #expect(try Wide(item: more) == wide)
        }
    }
}
