import CodexCore
import CodexStore

/// A step of a write.
enum WriteStep: Sendable {
    /// An action that needs no Swift type.
    case untyped(WriteAction)
    /// What is done to an order by its type.
    case typed(OrderForm)
    /// A deletion of all items that a query finds.
    case deletion(TableQuery)

    /// The action that a list has for the step.
    ///
    /// - Throws: ``ProtocolFault`` if a list cannot have it.
    var action: WriteAction {
        get throws {
            guard case .untyped(let action) = self else {
                throw ProtocolFault(message: "a list has no typed steps and no deletions")
            }
            return action
        }
    }
}

/// What a write does to an order.
struct OrderForm: Decodable, Sendable {
    enum Kind: String, Decodable, Sendable {
        case insert, put, replace, update, delete
        /// Without the Swift type.
        case rawPut, rawUpdate
    }

    let kind: Kind
    /// The order that is stored; an update takes its number, status and parts alone.
    var fields: Order
    /// The number under which the order is read, if it is another.
    var from: Int?
    /// The version that a replacement read before; without it, the order is read now.
    var version: Int?
    /// An attribute that the type does not know.
    var note: String?
}

extension OrderForm {
    /// A value that untyped writes give for a derived attribute, to no effect.
    private static let forged = "forged"

    /// The step of a write.
    ///
    /// - Parameters:
    ///   - op: The number of the operation, which the order gets.
    ///   - condition: The condition of an untyped step.
    func step(op: Int, condition: Condition?) -> WriteStep {
        var form = self
        form.fields.op = op
        switch kind {
        case .insert, .put, .replace, .update, .delete: return .typed(form)
        case .rawPut:
            return .untyped(.put(table: Order.table.name, form.item, condition: condition))
        case .rawUpdate:
            return .untyped(
                .update(
                    table: Order.table.name, key: Order.key(fields.number), form.changes,
                    condition: condition))
        }
    }

    /// The item that an untyped put stores.
    private var item: Item {
        var item: Item = [
            "p": Order.key(fields.number).partition, "number": .number(Number(fields.number)),
            "status": .string(fields.status), "parts": fields.parts.attributeValue,
            "openSite": .string(Self.forged),
        ]
        item["site"] = fields.site.map { .string($0) }
        item["badge"] = fields.badge.map { .string($0) }
        item["op"] = fields.op.map { .number(Number($0)) }
        item["note"] = note.map { .string($0) }
        return item
    }

    /// The changes of an untyped update.
    private var changes: Update {
        var changes = Update()
            .setting(Attribute<String>("status"), to: fields.status)
            .setting(Attribute<[String]>("parts"), to: fields.parts)
            .setting(Attribute<String>("openSite"), to: Self.forged)
        if let op = fields.op { changes = changes.setting(Attribute<Int>("op"), to: op) }
        if let note { changes = changes.setting(Attribute<String>("note"), to: note) }
        return changes
    }

    /// Performs a typed step.
    func perform(_ transaction: inout WriteTransaction) throws {
        let number = from ?? fields.number
        let lookup = Lookup<Order>(["number": number])
        switch kind {
        case .insert: try transaction.insert(fields)
        case .put: try transaction.put(fields)
        case .replace:
            var stored = Stored(
                fields, version: version ?? 0, schemaVersion: 1, key: Order.key(number))
            if version == nil {
                guard let current = try transaction.stored(lookup) else {
                    throw CodexError(.notFound, "There is no such order.")
                }
                stored = current
                stored.value = fields
            }
            try transaction.replace(stored)
        case .update:
            try transaction.update(lookup) { order in
                order.number = fields.number
                order.status = fields.status
                order.parts = fields.parts
                order.op = fields.op
            }
        case .delete: try transaction.delete(lookup)
        case .rawPut, .rawUpdate: throw ProtocolFault(message: "\(kind) has no typed step")
        }
    }
}
