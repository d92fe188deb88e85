import CodexCore
import Foundation
import Testing

/// A `Codable` entity with exact amounts.
private struct Invoice: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "invoice", table: "invoices", keys: ["PK": "INVOICE#{id}"])

    var id: String
    var amount: Number
    var discount: Number?
    var rates: [Number] = []
    var taxes: [String: Number] = [:]
}

@Suite("Numbers in Codable types")
struct NumberCodingTests {
    /// 38 digits with a point, and the largest and smallest numbers.
    static let texts = [
        "0", "-1", "0.1", "1234567890123456789012345678.9012345678",
        "-99999999999999999999999999999999999999", "18446744073709551616", "1e-130",
        "-9.9999999999999999999999999999999999999e125",
    ]

    @Test("An entity's number is a DynamoDB number, and is read back exactly", arguments: texts)
    func entity(text: String) throws {
        let amount = try Number(parsing: text)
        let invoice = Invoice(
            id: "1", amount: amount, discount: amount, rates: [amount, 2], taxes: ["vat": amount])
        let item = try invoice.item()
        #expect(item["amount"] == .number(amount))
        #expect(item["discount"] == .number(amount))
        #expect(item["rates"] == .list([.number(amount), 2]))
        #expect(item["taxes"] == .map(["vat": .number(amount)]))
        #expect(try Invoice(item: item) == invoice)
    }

    @Test("An absent number is no attribute, and text is no number of an item")
    func otherValues() throws {
        let invoice = Invoice(id: "1", amount: 5)
        var item = try invoice.item()
        #expect(item["discount"] == nil)
        #expect(try Invoice(item: item) == invoice)
        item["amount"] = "5"
        #expect(throws: CodexError(.typeMismatch, "")) { try Invoice(item: item) }
        item["amount"] = nil
        #expect(throws: CodexError(.missingAttribute, "")) { try Invoice(item: item) }
    }

    @Test("A set of numbers is read as a list of them")
    func numberSet() throws {
        var item = try Invoice(id: "1", amount: 5).item()
        item["rates"] = .numberSet([1, 2])
        #expect(try Set(Invoice(item: item).rates) == [1, 2])
    }

    @Test("Other coders get decimal text, and give it back exactly", arguments: texts)
    func text(text: String) throws {
        let number = try Number(parsing: text)
        let json = try JSONEncoder().encode([number])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(number)\"]")
        #expect(try JSONDecoder().decode([Number].self, from: json) == [number])
        let invoice = Invoice(id: "1", amount: number, taxes: ["vat": number])
        let copy = try JSONDecoder().decode(
            Invoice.self, from: try JSONEncoder().encode(invoice))
        #expect(copy == invoice)
    }

    @Test("Other decoders may have an integer", arguments: ["0", "-7", "18446744073709551615"])
    func integer(text: String) throws {
        let json = Data("[\(text)]".utf8)
        #expect(
            try JSONDecoder().decode([Number].self, from: json) == [try Number(parsing: text)])
    }

    @Test(
        "What is no exact decimal number is refused",
        arguments: [
            "\"\"", "\"ten\"", "\"1e126\"", "\"123456789012345678901234567890123456789\"", "1.5",
            "true", "null", "{}", "[]",
        ])
    func refused(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Number].self, from: Data("[\(json)]".utf8))
        }
    }
}
