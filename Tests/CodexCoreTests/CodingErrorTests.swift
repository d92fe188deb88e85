import CodexCore
import Foundation
import TestSupport
import Testing

/// What the errors of `Codable` types say, and what they must not say.
@Suite("Errors of Codable types")
struct CodingErrorTests {
    enum Size: String, Codable { case small, large }

    enum Payment: Codable, Equatable { case card(digits: Int), cash }

    struct Part: Codable, Equatable {
        var quantity: Int
        var labels: [String]?
        var size: Size?
    }

    /// A type whose own code refuses values, with an error that quotes them.
    struct Address: Codable, Equatable {
        struct Refusal: Error { var text: String }

        var text: String

        init(_ text: String) { self.text = text }

        init(from decoder: any Decoder) throws {
            text = try decoder.singleValueContainer().decode(String.self)
            guard text.contains("@") else { throw Refusal(text: text) }
        }

        func encode(to encoder: any Encoder) throws {
            guard text.contains("@") else { throw Refusal(text: text) }
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }
    }

    struct Order: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "order", table: "orders", keys: ["PK": "ORDER#{id}", "SK": "ORDER"])

        var id = "1"
        var parts = [Part(quantity: 1, labels: ["new"], size: .small), Part(quantity: 2)]
        var byName = ["spare": Part(quantity: 3)]
        var size: Size? = .large
        var payment: Payment? = .card(digits: 4)
        var tags: Set<String> = ["a"]
        var grid = [[1], [2, 3]]
        var count: Int8? = 5
        var ratio: Float? = 0.5
        var price: Decimal? = 2
        var at: Date? = Date(timeIntervalSince1970: 1)
        var link: URL? = URL(string: "https://example.com")
        var serial: UUID? = UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF")
        var data: Data? = Data([1])
        var flag: Bool? = true
        var slots: [Int?] = [1, nil]
        var address: Address? = Address("a@b")
    }

    /// A value in an order's item, and what the error says.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var value: AttributeValue
        var path: String
        var texts: [String]

        init(_ name: String, _ value: AttributeValue, at path: String? = nil, _ texts: String...) {
            (self.name, self.value) = (name, value)
            (self.path, self.texts) = (path ?? name, texts)
        }

        var testDescription: String { "\(path) of type \(value.type.rawValue)" }
    }

    private static func part(
        _ value: AttributeValue, _ name: String = "quantity"
    ) -> AttributeValue {
        .map([name: value])
    }

    static let scalars: [Case] = [
        Case("id", 5, "is a number (N)", "String needs a string (S)"),
        Case("id", .null, "is null (NULL)", "String needs a string (S)"),
        Case("size", "medium", "none of the cases of Size"),
        Case("size", 1, "is a number (N)", "needs a string (S)"),
        Case("count", 300, "no Int8", "a number (N)"),
        Case("count", "5", "is a string (S)", "Int8 needs a number (N)"),
        Case("ratio", .number(Number(powerOfTen: 100)), "no Float", "a number (N)"),
        Case("price", "2", "is a string (S)", "Decimal needs a number (N)"),
        Case("at", "yesterday", "no Date", "a string (S)"),
        Case("at", 0, "is a number (N)", "Date needs a string (S)"),
        Case("link", .bool(true), "is a Boolean (BOOL)", "URL needs a string (S)"),
        Case("serial", "6F96", "no UUID", "a string (S)"),
        Case("data", "AQ==", "is a string (S)", "Data needs binary data (B)"),
        Case("flag", 1, "is a number (N)", "Bool needs a Boolean (BOOL)"),
        Case("address", "nobody", "refused by init(from:)", "(Refusal)"),
    ]

    static let containers: [Case] = [
        Case("parts", "x", "is a string (S)", "needs a list (L)"),
        Case("parts", .list([part(1), "x"]), at: "parts[1]", "needs a map (M)"),
        Case("parts", .list([part(1), part("x")]), at: "parts[1].quantity", "is a string (S)"),
        Case(
            "parts", .list([.map(["quantity": 1, "labels": .list(["a", 2])])]),
            at: "parts[0].labels[1]", "is a number (N)"),
        Case(
            "parts", .list([.map(["quantity": 1, "size": "medium"])]), at: "parts[0].size",
            "none of the cases of Size"),
        Case(
            "byName", .map(["spare": part("x")]), at: "byName.spare.quantity",
            "byName.*.quantity"),
        Case("byName", .list([]), "is a list (L)", "needs a map (M)"),
        Case("payment", .map(["cheque": .map([:])]), "a map (M)"),
        Case(
            "payment", .map(["card": part("x", "digits")]), at: "payment.card.digits",
            "Int needs a number (N)"),
        Case("tags", .numberSet([1]), at: "tags[0]", "is a number (N)"),
        Case("grid", .list([.list([1]), .list([2, "x"])]), at: "grid[1][1]", "is a string (S)"),
        Case("grid", .list([.numberSet([1]), .stringSet(["x"])]), at: "grid[1][0]", "Int needs"),
        Case("slots", .list([1, "x"]), at: "slots[1]", "Int needs a number (N)"),
    ]

    @Test(
        "An error has the path with indices, the expected and the found type",
        arguments: scalars + containers)
    func path(_ example: Case) throws {
        var item = try Order().item()
        item[example.name] = example.value
        let error = try #require(throws: CodexError.self) { try Order(item: item) }
        #expect(error.code == .typeMismatch)
        #expect(error.attributePath == example.path)
        #expect(error.entity == "order")
        for text in example.texts { #expect(error.description.contains(text), "\(error)") }
        #expect(error.message.contains("entity order"))
        #expect(error.message.contains("upgrade(_:from:)") || error.cause != nil)
    }

    @Test("A field that is missing is an error with its path, in the item and in a list")
    func missing() throws {
        var item = try Order().item()
        item["id"] = nil
        let error = try #require(throws: CodexError.self) { try Order(item: item) }
        #expect(error.code == .missingAttribute)
        #expect(error.attributePath == "id")
        #expect(error.message.contains("lacks the attribute id, a field of type String"))
        item = try Order().item()
        item["parts"] = .list([Self.part(1), .map(["size": "small"])])
        let other = try #require(throws: CodexError.self) { try Order(item: item) }
        #expect(other.code == .missingAttribute)
        #expect(other.attributePath == "parts[1].quantity")
    }

    @Test("A set is read as a list of its members")
    func sets() throws {
        var item = try Order().item()
        item["tags"] = .stringSet(["b", "c"])
        item["grid"] = .list([.numberSet([3])])
        let order = try Order(item: item)
        #expect(order.tags == ["b", "c"] && order.grid == [[3]])
    }

    @Test("An optional field that is absent or null is nil; the others are read")
    func optionals() throws {
        var item = try Order().item()
        for name in ["size", "payment", "count", "ratio", "price", "at", "link", "serial"] {
            item[name] = nil
        }
        for name in ["data", "flag", "address"] { item[name] = .null }
        let order = try Order(item: item)
        #expect(order.size == nil && order.payment == nil && order.count == nil)
        #expect(order.ratio == nil && order.price == nil && order.at == nil && order.link == nil)
        #expect(order.serial == nil && order.data == nil && order.flag == nil)
        #expect(order.address == nil)
        #expect(order.parts == Order().parts)
    }

    @Test("The cause of a refusal is the type's own error, and its text is in no message")
    func cause() throws {
        var item = try Order().item()
        item["address"] = "nobody"
        let error = try #require(throws: CodexError.self) { try Order(item: item) }
        #expect((error.cause as? Address.Refusal)?.text == "nobody")
        #expect(!error.description.contains("nobody"))
        var order = Order()
        order.address = Address("nobody")
        let other = try #require(throws: CodexError.self) { try order.item() }
        #expect(other.attributePath == "address")
        #expect((other.cause as? Address.Refusal)?.text == "nobody")
        #expect(!other.description.contains("nobody"))
    }

    @Test("No message has a user's value, or a key of a dictionary")
    func secrets() throws {
        let secret = PlantedSecret()
        let number = try Number(parsing: "48151623421337.5")
        let values: [AttributeValue] = [
            .string(secret.text), .number(number), .binary(Array(secret.text.utf8)),
            .list([.string(secret.text)]), .list([.number(number)]), .bool(true), .null,
            .map([secret.text: .string(secret.text)]), .stringSet([secret.text]),
            .map(["spare": .map([secret.text: .number(number)])]),
            .map([secret.text: .map(["quantity": .string(secret.text)])]),
            .list([.map(["quantity": .number(number), "size": .string(secret.text)])]),
        ]
        var count = 0
        let item = try Order().item()
        for name in item.names where !["PK", "SK"].contains(name) {
            for value in values {
                var changed = item
                changed[name] = value
                do {
                    _ = try Order(item: changed)
                } catch {
                    count += 1
                    let texts = [error.message, error.description, "\(error)"]
                    for text in texts + [error.localizedDescription, String(reflecting: error)] {
                        #expect(secret.forms(in: Array(text.utf8)).isEmpty, "\(name): \(text)")
                        #expect(!text.contains("48151623421337"), "\(name): \(text)")
                    }
                }
            }
        }
        #expect(count > 100)
        // The same search finds the secret where it is.
        #expect(!secret.forms(in: Array("\(values[0])".utf8)).isEmpty)
    }
}

extension Number {
    /// A power of ten.
    fileprivate init(powerOfTen exponent: Int) {
        self = (try? Number(parsing: "1e\(exponent)")) ?? 0
    }
}
