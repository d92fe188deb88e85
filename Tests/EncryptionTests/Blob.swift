import CodexCore
import Foundation

/// An entity with bytes of which nothing says what they begin with.
struct Blob: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "blob", table: CodexFlow.table, keys: ["PK": "BLOB#{id}", "SK": "BLOB"],
        sealed: ["secret", "title"])
    /// What encrypted values begin with.
    static let mark: [UInt8] = [0x9E, 0x43, 0x44, 0x58, 1]
    static let schema = CodexFlow.schema.adding(Blob.self)

    var id: String
    /// Encrypted.
    var secret: Data?
    /// Encrypted.
    var title: String?
    /// Not encrypted.
    var open: Data?
    var count = 0

    static func key(_ id: String) -> PrimaryKey { PrimaryKey(.string("BLOB#\(id)"), "BLOB") }

    static func lookup(_ id: String) -> Lookup<Blob> {
        Lookup(partition: .string("BLOB#\(id)"), sort: "BLOB")
    }

    /// The item of a blob, for raw writes.
    static func item(_ id: String, _ attributes: Item) -> Item {
        var item = attributes
        item["PK"] = .string("BLOB#\(id)")
        item["SK"] = "BLOB"
        item["id"] = .string(id)
        item["count"] = 0
        return item
    }
}
