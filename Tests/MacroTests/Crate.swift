#if Macros
    public import CodexCore
    internal import Foundation

    struct Part: Codable, Hashable {
        var name: String
        var count: Int
    }

    enum CountUnit: String, Codable { case piece, kilogram }

    /// Types that `Codable` alone stores. ``CodableCrate`` is the same without the macro.
    @Entity("crate", table: "main", keys: ["PK": "CRATE#{id}", "SK": "CRATE"])
    struct Crate: Hashable {
        var id: String
        var parts: [Part]
        var partsByShelf: [String: Part]
        var unit: CountUnit
        var weight: Float
        var best: Part?
        var tags: Set<String>
        var size: [Int]
        var until: EpochSeconds?
    }

    struct CodableCrate: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "crate", table: "main", keys: ["PK": "CRATE#{id}", "SK": "CRATE"])

        var id: String
        var parts: [Part]
        var partsByShelf: [String: Part]
        var unit: CountUnit
        var weight: Float
        var best: Part?
        var tags: Set<String>
        var size: [Int]
        var until: EpochSeconds?
    }

    extension CodableCrate {
        init(_ crate: Crate) {
            self.init(
                id: crate.id, parts: crate.parts, partsByShelf: crate.partsByShelf,
                unit: crate.unit, weight: crate.weight, best: crate.best, tags: crate.tags,
                size: crate.size, until: crate.until)
        }
    }

    /// The types around an entity are known in it.
    public enum Yard {
        public enum Color: String, AttributeConvertible { case red, green }

        /// A public entity with an initializer, a constant and a private property.
        @Entity("gate", table: "main", keys: ["PK": "GATE#{id}", "SK": "GATE"])
        public struct Gate: Hashable {
            public let id: String
            public var color: Color
            private var code: Int

            public init(id: String, color: Color, code: Int) {
                self.id = id
                self.color = color
                self.code = code
            }
        }
    }

    /// A convertible type whose attributes may have any type.
    struct Anything: AttributeConvertible, Hashable {
        var attributeValue: AttributeValue

        init(attributeValue: AttributeValue) { self.attributeValue = attributeValue }
    }

    /// Fields whose attribute types are given.
    @Entity("box", table: "main", keys: ["PK": "BOX#{id}", "SK": "BOX"])
    struct Box: Hashable {
        var id: String
        @StoredAs(type: .map) var content: Anything
        @StoredAs("parts", type: .list) var part: Part?
    }
#endif
