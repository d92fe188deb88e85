import CodexCore
import Foundation
import Testing

private struct Visit: Codable, Entity {
    static let definition = EntityDefinition(
        "visit", table: "visits", keys: ["PK": "SITE#{site}", "SK": "VISIT#{day}#{number}"])

    struct Fields {
        let site = Field<Visit, UUID>("site")
        let day = Field<Visit, CalendarDay>("day")
        let number = Field<Visit, Int>("number")
        let state = Field<Visit, State>("state")
        let labels = Field<Visit, [String]>("labels")
        let tags = Field<Visit, AttributeSet<String>>("tags")
        let note = Field<Visit, String>("note")
    }

    enum State: String, Codable, AttributeConvertible { case planned, done }

    static let fields = Fields()

    var site: UUID
    var number: Int
}

/// Fields, and the conversions of the types that they may have.
@Suite("Fields")
struct FieldTests {
    private let fields = Visit.fields

    @Test("Conditions of fields are those of attributes with the same name")
    func conditions() {
        let (number, state) = (Attribute<Int>("number"), Attribute<Visit.State>("state"))
        let pairs: [(Condition, Condition)] = [
            (fields.number == 3, number == 3), (fields.number != 3, number != 3),
            (fields.number < 3, number < 3), (fields.number <= 3, number <= 3),
            (fields.number > 3, number > 3), (fields.number >= 3, number >= 3),
            (fields.number.isBetween(1, and: 3), number.isBetween(1, and: 3)),
            (fields.state.isOne(of: [.done]), state.isOne(of: [.done])),
            (fields.number.exists, number.exists),
            (fields.number.doesNotExist, number.doesNotExist),
            (fields.note.begins(with: "a"), Attribute<String>("note").begins(with: "a")),
            (fields.labels.contains("a"), Attribute<[String]>("labels").contains("a")),
        ]
        for (own, expected) in pairs { #expect(own == expected) }
        #expect(Set(pairs.map(\.0)).count == pairs.count)
        // Fields compare as values, too.
        #expect(fields.number == Field<Visit, Int>("number"))
        #expect(fields.number != Field<Visit, Int>("Number"))
        #expect(fields.number.attribute.path == DocumentPath("number"))
    }

    @Test("A field's value and its ranges have the name and the stored form")
    func values() throws {
        let site = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
        #expect(fields.site(site).name == "site")
        #expect(fields.site(site).value == "6f9619ff-8b86-d011-b42d-00c04fc964ff")
        #expect(fields.state(.done).value == "done")
        #expect(fields.labels(["a", "b"]).value == ["a", "b"])
        #expect(fields.labels(containing: "a").value == "a")
        #expect(fields.tags(containing: "a").value == "a")
        let day = try #require(CalendarDay("2025-11-05"))
        let ranges: [(FieldRange<Visit>, SortCondition)] = [
            (fields.day.at(day), .equal("2025-11-05")),
            (fields.day.before(day), .less("2025-11-05")),
            (fields.day.through(day), .lessOrEqual("2025-11-05")),
            (fields.day.after(day), .greater("2025-11-05")),
            (fields.day.from(day), .greaterOrEqual("2025-11-05")),
            (fields.day.within(day...day), .between("2025-11-05", "2025-11-05")),
            (fields.day.starts(with: "2025-11"), .beginsWith("2025-11")),
            (fields.number.within(-1...2), .between(-1, 2)),
        ]
        for (range, condition) in ranges { #expect(range.condition == condition) }
        #expect(ranges.map(\.0.name) == Array(repeating: "day", count: 7) + ["number"])
    }

    @Test("Lookups and queries keep the values until their keys are made")
    func accessPatterns() {
        let index: EntityIndex<Visit> = "byState"
        #expect(Lookup(fields.number(1)).target == .values(["number": 1]))
        #expect(Lookup<Visit>(["number": 1]).target == .values(["number": 1]))
        #expect(
            Lookup(index, fields.state(.done), fields.number(1)).target
                == .indexValues("byState", ["state": "done", "number": 1]))
        #expect(
            Lookup<Visit>("byState", ["state": Visit.State.done]).target
                == .indexValues("byState", ["state": "done"]))
        let query = Query(index, fields.state(.done), sort: fields.number.after(1))
        #expect(query.values == ["state": "done"])
        #expect(query.request.index == "byState" && query.request.entity == "visit")
        #expect(query == Query(index, fields.state(.done), sort: fields.number.after(1)))
        #expect(query != Query(index, fields.state(.done), sort: fields.number.after(2)))
        #expect(query != Query(index, fields.state(.planned), sort: fields.number.after(1)))
        #expect(query.reversed.values == query.values)
        #expect(query.reversed.request.direction == .backward)
        let filtered = query.filtered(by: fields.note.exists).filtered(by: fields.number > 1)
        #expect(filtered.values == query.values)
        #expect(filtered.request.filter == (fields.note.exists && fields.number > 1))
        #expect(Query<Visit>(["site": "a"]).request.index == nil)
        #expect(Query<Visit>(nil, ["site": "a"]) == Query<Visit>(["site": "a"]))
        // A query that is written by hand has its key, and the entity.
        let manual = Query<Visit>(partition: "SITE#a")
        #expect(manual.values == nil && manual.request.entity == "visit")
        let foreign = TableQuery(table: "visits", partition: ["SITE#a"], entity: "customer")
        #expect(Query<Visit>(foreign).request.entity == "visit")
    }

    // MARK: Conversions

    private func isConverted<Value: AttributeConvertible & Equatable>(
        _ value: Value, _ attribute: AttributeValue
    ) -> Bool {
        value.attributeValue == attribute && Value(attributeValue: attribute) == value
    }

    @Test("Swift's integers are numbers, from their least to their largest")
    func integers() throws {
        func limits<Integer: FixedWidthInteger & AttributeConvertible>(
            _ type: Integer.Type
        ) throws {
            for value in [Integer.min, Integer.min + 1, 0, 1, Integer.max - 1, Integer.max] {
                let number = try Number(parsing: String(value))
                #expect(isConverted(value, .number(number)), "\(type) \(value)")
            }
            let above = try Number(parsing: String(Integer.max)).adding(1)
            #expect(Integer(attributeValue: .number(above)) == nil)
            let below = try Number(parsing: String(Integer.min)).subtracting(1)
            #expect(Integer(attributeValue: .number(below)) == nil)
            for value: AttributeValue in ["1", .number(try Number(parsing: "0.5")), .null] {
                #expect(Integer(attributeValue: value) == nil)
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
    }

    @Test("Fractions are numbers; what no number can be is refused by keys and writes")
    func fractions() throws {
        #expect(isConverted(0.1, .number(try Number(parsing: "0.1"))))
        #expect(isConverted(-2.5e-7, .number(try Number(parsing: "-2.5e-7"))))
        #expect(isConverted(Float(0.25), .number(try Number(parsing: "0.25"))))
        #expect(isConverted(Float(0.1), Double(Float(0.1)).attributeValue))
        let price = try #require(Decimal(string: "12.50"))
        #expect(isConverted(price, .number(try Number(parsing: "12.5"))))
        let digits = String(repeating: "7", count: 38)
        let long = try #require(Decimal(string: digits))
        #expect(isConverted(long, .number(try Number(parsing: digits))))
        // 39 digits fit a decimal, and no number.
        let longer = try #require(Decimal(string: "1" + String(repeating: "0", count: 37) + "1"))
        let refused: [AttributeValue] = [
            Double.nan.attributeValue, Double.infinity.attributeValue, (1e126).attributeValue,
            (1e-131).attributeValue, Float.nan.attributeValue, Decimal.nan.attributeValue,
            longer.attributeValue,
        ]
        for value in refused {
            #expect(value == .numberSet(AttributeSet([Number]())))
            #expect(throws: CodexError(.invalidItem, "")) {
                try (["n": value] as Item).validate()
            }
            #expect(throws: CodexError(.invalidIdentifier, "")) {
                try KeyTemplate("N#{n}").render(["n": value])
            }
        }
        #expect(Decimal(attributeValue: "1") == nil)
        #expect(Decimal(attributeValue: .number(try Number(parsing: "1e-130"))) == nil)
        #expect(Double(attributeValue: "1") == nil && Float(attributeValue: .null) == nil)
    }

    @Test("Identifiers, addresses, bytes, enumerations, dictionaries and maps")
    func others() throws {
        let id = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
        #expect(isConverted(id, "6f9619ff-8b86-d011-b42d-00c04fc964ff"))
        #expect(UUID(attributeValue: "6F9619FF-8B86-D011-B42D-00C04FC964FF") == id)
        #expect(UUID(attributeValue: "6f9619ff") == nil && UUID(attributeValue: 1) == nil)
        let address = try #require(URL(string: "https://example.com/a?b=c"))
        #expect(isConverted(address, "https://example.com/a?b=c"))
        #expect(isConverted(Data([0, 255]), .binary([0, 255])))
        #expect(Data(attributeValue: "AP8=") == nil)
        #expect(isConverted(Visit.State.done, "done"))
        #expect(Visit.State(attributeValue: "gone") == nil)
        #expect(Visit.State(attributeValue: 1) == nil)
        #expect(isConverted(["a": 1, "b": 2], ["a": 1, "b": 2]))
        #expect([String: Int](attributeValue: ["a": "1"]) == nil)
        #expect(isConverted(["x": ["a": 1]] as AttributeMap, ["x": ["a": 1]]))
        #expect(isConverted([UInt8]([1, 2]), [1, 2]))
    }

    @Test("A Codable entity stores its values as keys and conditions have them")
    func codable() throws {
        struct Sample: Codable {
            var id: UUID
            var address: URL
            var price: Double
            var share: Float
            var small: UInt8
            var large: UInt64
            var data: Data
            var state: Visit.State
            var counts: [String: Int]
        }
        let sample = Sample(
            id: UUID(), address: try #require(URL(string: "https://example.com")), price: 0.3,
            share: 0.1, small: 200, large: .max, data: Data([1]), state: .planned,
            counts: ["a": 1])
        let item = try AttributeEncoder.encode(sample)
        #expect(item["id"] == sample.id.attributeValue)
        #expect(item["address"] == sample.address.attributeValue)
        #expect(item["price"] == sample.price.attributeValue)
        #expect(item["share"] == sample.share.attributeValue)
        #expect(item["small"] == sample.small.attributeValue)
        #expect(item["large"] == sample.large.attributeValue)
        #expect(item["data"] == sample.data.attributeValue)
        #expect(item["state"] == sample.state.attributeValue)
        #expect(item["counts"] == sample.counts.attributeValue)
    }
}
