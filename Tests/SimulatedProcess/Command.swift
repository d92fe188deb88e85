import CodexCore
import CodexStore
import Foundation

/// A command with its fields; each kind of command has some of them.
struct Command: Decodable {
    /// What to do.
    let command: String
    /// The time of the wall clock, in seconds since 1970; without it the clock stays.
    var now: Double?

    // MARK: open
    /// The store's directory.
    var path: String?
    var readOnly: Bool?
    /// The name of a PlantedFault or of a PlantedRead.
    var plant: String?
    var durability: DurabilityName?
    /// From so many replaced or logged bytes on a checkpoint is made; without it none is by itself.
    var dirtyBytes: Int?
    /// The size that segments of the log grow to.
    var segmentBytes: Int?
    /// The size of the log from which on the oldest changes go.
    var retainedBytes: Int?
    /// The age from which on changes may go.
    var retainedSeconds: Int?
    /// See StoreOptions.clockConfirmation.
    var confirmationSeconds: Int?
    /// Whether to open the store with the schema that it has.
    var keepSchema: Bool?

    // MARK: write
    /// The number of the operation.
    var op: Int?
    /// The idempotency token; an empty one makes a list of actions without a token.
    var token: String?
    var actions: [ActionForm]?
    /// The process whose marker is written, if it is another.
    var process: Int?
    /// Of `writes`: commands `write`, which run as one group.
    var writes: [Command]?

    // MARK: read
    var items: [ItemKey]?
    var groups: [String]?
    var totals: [String]?
    var markers: Bool?
    /// The numbers of orders, which are read by their type.
    var orders: [Int]?
    /// The sites whose open orders are read by their type.
    var sites: [String]?
    /// The passes that are read.
    var passes: [ItemKey]?
    /// The most items of a page of a group; without it a group is one page.
    var pageLimit: Int?
    /// Whether the process gives the turn back after each part of what it reads.
    var takesTurns: Bool?

    // MARK: Others
    /// The name of an index, of an attribute of a time to live, or of a consumer.
    var name: String?
    /// The layout that an index gets.
    var layout: String?
    var limit: Int?
    /// The commit after which changes begin.
    var after: UInt64?
    /// The change of that commit after which they begin, if not all of its changes were read.
    var ordinal: UInt32?
    /// Where a backup, an archive or a restored store is made.
    var to: String?
    /// The backup that is restored.
    var from: String?
    /// The archive that is restored with it.
    var archive: String?
    /// The commit to which it is restored.
    var sequence: UInt64?
    var asFollower: Bool?
    /// Whether a restored store or a follower is read, too.
    var look: Bool?
}

extension Command {
    /// A field that the command needs.
    ///
    /// - Throws: ``ProtocolFault`` if it is not there.
    func need<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw ProtocolFault(message: "\(command) needs \(name)") }
        return value
    }
}

/// A level of durability.
struct DurabilityName: Decodable {
    let durability: Durability

    private struct Interval: Decodable {
        let interval: Int
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let interval = try? container.decode(Interval.self) {
            durability = .interval(losing: .milliseconds(interval.interval))
            return
        }
        switch try container.decode(String.self) {
        case "everyCommit": durability = .everyCommit
        case "none": durability = .none
        case let name: throw ProtocolFault(message: "no durability is called \(name)")
        }
    }
}

/// The key of an item of table `t` or `e`.
struct ItemKey: Decodable {
    let p: String
    let s: Int

    var primaryKey: PrimaryKey { PrimaryKey(.string(p), .number(Number(s))) }
    var table: String { Items.tableName(of: p) }
}

/// An action of a write.
struct ActionForm: Decodable {
    /// An item that is stored.
    struct Put: Decodable {
        let p: String
        let s: Int
        var g: String?
        var v: Int?
        var u: String?
        var x: Int?
        var y: Int?
        /// The seed and the length of a text.
        var pad: [Int]?
    }
    /// What is added to the attribute `v` of an item.
    struct Addition: Decodable {
        let p: String
        let s: Int
        let by: Int
    }
    /// A condition on the item that is there.
    struct ConditionForm: Decodable {
        var absent: Bool?
        var opIs: Int?
        var vAtLeast: Int?
    }

    /// A query whose items are deleted.
    struct DeletionForm: Decodable {
        var partition: String?
        var group: String?
        /// The site of open orders.
        var site: String?
    }

    var put: Put?
    var delete: ItemKey?
    var add: Addition?
    var check: ItemKey?
    var order: OrderForm?
    var deletion: DeletionForm?
    var condition: ConditionForm?
}

extension ActionForm {
    /// The step of a write.
    ///
    /// - Parameter op: The number of the operation, which the written item gets.
    /// - Throws: ``ProtocolFault``.
    func step(op: Int) throws -> WriteStep {
        if let deletion { return .deletion(try deletion.query) }
        guard let order else { return .untyped(try action(op: op)) }
        return order.step(op: op, condition: try condition?.condition)
    }

    /// The action as the store takes it.
    private func action(op: Int) throws -> WriteAction {
        let condition = try self.condition?.condition
        if let put {
            return .put(
                table: Items.tableName(of: put.p), try put.item(op: op), condition: condition)
        }
        if let add {
            let update = Update()
                .adding(add.by, to: Attribute<Int>("v"))
                .setting(Attribute<Int>("op"), to: op)
            let key = ItemKey(p: add.p, s: add.s)
            return .update(
                table: key.table, key: key.primaryKey, update, condition: condition)
        }
        if let delete {
            return .delete(table: delete.table, key: delete.primaryKey, condition: condition)
        }
        guard let check, let condition else {
            throw ProtocolFault(
                message: "an action is put, add, delete, order, deletion, "
                    + "or check with a condition")
        }
        return .check(table: check.table, key: check.primaryKey, condition: condition)
    }
}

extension ActionForm.Put {
    fileprivate func item(op: Int) throws -> Item {
        var item: Item = [
            "p": .string(p), "s": .number(Number(s)), "op": .number(Number(op)),
        ]
        if let g { item["g"] = .string(g) }
        if let v { item["v"] = .number(Number(v)) }
        if let u { item["u"] = .string(u) }
        if let x { item["x"] = .number(Number(x)) }
        if let y { item["y"] = .number(Number(y)) }
        if let pad {
            guard pad.count == 2, pad[0] >= 0, (0...Pad.byteCountMax).contains(pad[1]) else {
                throw ProtocolFault(message: "a pad has a seed and a length")
            }
            item["pad"] = .string(Pad.text(seed: pad[0], byteCount: pad[1]))
        }
        return item
    }
}

extension ActionForm.DeletionForm {
    fileprivate var query: TableQuery {
        get throws {
            if let partition {
                return TableQuery(table: Items.table, partition: [.string(partition)])
            }
            if let group { return Items.query(ofGroup: group) }
            if let site {
                // Its request names the entity.
                return Query<Order>(partition: .string(site), index: "openBySite").request
            }
            throw ProtocolFault(message: "a deletion is of a partition, a group or a site")
        }
    }
}

extension ActionForm.ConditionForm {
    fileprivate var condition: Condition {
        get throws {
            if let absent {
                let key = Attribute<String>("p")
                return absent ? key.doesNotExist : key.exists
            }
            if let opIs { return Attribute<Int>("op") == opIs }
            if let vAtLeast { return Attribute<Int>("v") >= vAtLeast }
            throw ProtocolFault(message: "a condition is absent, opIs or vAtLeast")
        }
    }
}
