#if Macros
    import CodexCore
    import Foundation

    /// ``Machine`` by hand.
    struct HandMachine: Entity, Hashable {
        var siteID: UUID
        var number: Int
        var name: String
        var status: Machine.Status
        var kind: Machine.Kind?
        var level: Machine.Level
        var tons: Double?
        var isRented: Bool
        var boughtAt: Date
        var checkedAt: Date?
        var nextCheck: CalendarDay?
        var price: Number?
        var labels: [String]
        var places: [Machine.Place]?
        var photo: Data?
        var metadata: AttributeMap?
    }

    extension HandMachine {
        init(_ machine: Machine) {
            self.init(
                siteID: machine.siteID, number: machine.number, name: machine.name,
                status: machine.status, kind: machine.kind, level: machine.level,
                tons: machine.tons, isRented: machine.isRented, boughtAt: machine.boughtAt,
                checkedAt: machine.checkedAt, nextCheck: machine.nextCheck, price: machine.price,
                labels: machine.labels, places: machine.places, photo: machine.photo,
                metadata: machine.metadata)
        }

        enum Field: Int, EntityField {
            case siteID, number, name, status, kind, level, weight, isRented, boughtAt, checkedAt
            case nextCheck, price, labels, places, photo, metadata

            static let definitions: [FieldDefinition] = [
                .required("siteID", .string), .required("number", .number),
                .required("name", .string),
                .required("status", .string, cases: ["broken", "retired", "working"]),
                .optional("kind", .string, cases: ["crane", "pump"]),
                .required("level", .number), .optional("weight", .number),
                .required("isRented", .bool), .required("boughtAt", .string),
                .optional("checkedAt", .string), .optional("nextCheck", .string),
                .optional("price", .number), .required("labels", .list),
                .optional("places", .list), .optional("photo", .binary),
                .optional("metadata", .map),
            ]

            var definition: FieldDefinition { Self.definitions[rawValue] }
        }

        static let definition = EntityDefinition(
            "machine", table: "main", schemaVersion: 2,
            keys: ["PK": "SITE#{siteID}", "SK": "MACHINE#{number}"],
            derived: [
                "brokenSite": .template("{siteID}", when: Attribute<String>("status") == "broken")
            ], fields: Field.definitions)

        /// The attributes; `number` has at most ten digits and no sign.
        func item() throws(CodexError) -> Item {
            let site = siteID.uuidString.lowercased()
            let digits = String(number)
            let padded = String(repeating: "0", count: 10 - digits.count) + digits
            var keys: Item = ["PK": .string("SITE#\(site)"), "SK": .string("MACHINE#\(padded)")]
            if status == .broken { keys["brokenSite"] = .string(site) }
            var writer = FieldWriter<Field>(keys)
            writer.set(.siteID, siteID)
            writer.set(.number, number)
            writer.set(.name, name)
            writer.setChoice(.status, status)
            writer.set(.kind, kind)
            writer.set(.level, level)
            writer.set(.weight, tons)
            writer.set(.isRented, isRented)
            writer.set(.boughtAt, boughtAt)
            writer.set(.checkedAt, checkedAt)
            writer.set(.nextCheck, nextCheck)
            writer.set(.price, price)
            writer.set(.labels, labels)
            writer.set(.places, places)
            writer.set(.photo, photo)
            writer.set(.metadata, metadata)
            return writer.item
        }

        init(reading reader: borrowing FieldReader) throws(CodexError) {
            siteID = try reader.value(Field.siteID)
            number = try reader.value(Field.number)
            name = try reader.string(Field.name)
            status = try reader.choice(Field.status)
            kind = try reader.optional(Field.kind)
            level = try reader.value(Field.level)
            tons = try reader.optional(Field.weight)
            isRented = try reader.value(Field.isRented)
            boughtAt = try reader.value(Field.boughtAt)
            checkedAt = try reader.optionalDate(Field.checkedAt)
            nextCheck = try reader.optional(Field.nextCheck)
            price = try reader.optional(Field.price)
            labels = try reader.value(Field.labels)
            places = try reader.optional(Field.places)
            photo = try reader.optional(Field.photo)
            metadata = try reader.optional(Field.metadata)
        }
    }
#endif
