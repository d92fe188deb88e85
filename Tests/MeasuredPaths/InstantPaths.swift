import CodexCore
import CodexStore
import FoundationEssentials

/// A shift with six instants, with a hand-written conversion.
private struct WrittenShift: Entity {
    enum Field: Int, EntityField {
        case begun, called, closed, created, ended, id, paid

        static let definitions: [FieldDefinition] = [
            .required("begun", .string), .required("called", .string),
            .required("closed", .string), .required("created", .string),
            .required("ended", .string), .required("id", .string), .required("paid", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    static let definition = EntityDefinition(
        "writtenShift", table: "shifts", keys: ["PK": "WRITTEN#{id}"], fields: Field.definitions)

    var id: String
    var created: Date
    var called: Date
    var begun: Date
    var ended: Date
    var closed: Date
    var paid: Date
}

extension WrittenShift {
    func item() throws(CodexError) -> Item {
        try KeyTemplate.requirePart(id, name: "id")
        var writer = FieldWriter<Field>(["PK": .string("WRITTEN#\(id)")])
        writer.set(.begun, begun)
        writer.set(.called, called)
        writer.set(.closed, closed)
        writer.set(.created, created)
        writer.set(.ended, ended)
        writer.set(.id, id)
        writer.set(.paid, paid)
        return writer.item
    }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        self.init(
            id: try reader.string(Field.id), created: try reader.value(Field.created),
            called: try reader.value(Field.called), begun: try reader.value(Field.begun),
            ended: try reader.value(Field.ended), closed: try reader.value(Field.closed),
            paid: try reader.value(Field.paid))
    }
}

/// The same shift with `Codable`.
private struct CodedShift: Codable, Entity {
    static let definition = EntityDefinition(
        "codedShift", table: "shifts", keys: ["PK": "CODED#{id}"])

    var id: String
    var created: Date
    var called: Date
    var begun: Date
    var ended: Date
    var closed: Date
    var paid: Date
}

// The paths are the same whether instants are stored as text or as numbers.
extension MeasuredPath {
    private static let moment = Date(timeIntervalSince1970: 1_762_300_800.123)
    private static let shiftTable = TableDefinition("shifts", partitionKey: "PK")
    private static let shiftKey = PrimaryKey("WRITTEN#s0001234")
    private static let instantNames = ["begun", "called", "closed", "created", "ended", "paid"]

    private static var shift: WrittenShift {
        WrittenShift(
            id: "s0001234", created: moment, called: moment + 60, begun: moment + 3600,
            ended: moment + 7200, closed: moment + 7260, paid: moment + 864_000)
    }

    private static func shifts(_ directory: String) async throws -> Store {
        let schema = Schema(tables: [shiftTable]).adding(WrittenShift.self, CodedShift.self)
        let store = try await makeStore(directory, 0, schema: schema, durability: .none)
        let shift = shift
        try await store.put(shift)
        try await store.put(
            CodedShift(
                id: shift.id, created: shift.created, called: shift.called, begun: shift.begun,
                ended: shift.ended, closed: shift.closed, paid: shift.paid))
        return store
    }

    static let instantPaths: [MeasuredPath] = [
        counted("instant", "text of a date") { _ in
            let date = moment
            return { try require(Timestamp.text(date).utf8.count == 24) }
        },
        counted("instant", "date of a text") { _ in
            let text = Timestamp.text(moment)
            return { try require(Timestamp.date(text) != nil) }
        },
        counted("instant", "six as text, view") { directory in
            let store = try await shifts(directory)
            return {
                let byteCount = try store.read { snapshot in
                    try snapshot.view(in: "shifts", key: shiftKey) { view in
                        var byteCount = 0
                        for name in instantNames {
                            byteCount += try view.string(name)?.utf8.count ?? 0
                        }
                        return byteCount
                    }
                }
                try require(byteCount == 6 * 24)
            }
        },
        counted("instant", "six as raw contents, view") { directory in
            let store = try await shifts(directory)
            return {
                let byteCount = try store.read { snapshot in
                    try snapshot.view(in: "shifts", key: shiftKey) { view in
                        var byteCount = 0
                        try view.forEachRawValue { _, bytes in byteCount += bytes.count }
                        return byteCount
                    }
                }
                // The identifier has eight bytes.
                try require(byteCount == 6 * 24 + 8)
            }
        },
        counted("instant", "six, hand-written, get") { directory in
            let store = try await shifts(directory)
            let lookup = Lookup<WrittenShift>(.primaryKey(shiftKey))
            return { try require(store.get(lookup)?.created == moment) }
        },
        counted("instant", "six, Codable, get") { directory in
            let store = try await shifts(directory)
            let lookup = Lookup<CodedShift>(.primaryKey(PrimaryKey("CODED#s0001234")))
            return { try require(store.get(lookup)?.created == moment) }
        },
        counted("instant", "six, item") { directory in
            let store = try await shifts(directory)
            return { try require(store.item(in: "shifts", key: shiftKey)?.count == 8) }
        },
        counted("instant", "six, to an item") { _ in
            let shift = shift
            return { try require(shift.item().count == 8) }
        },
    ]
}
