/// The key of an item.
package struct ItemKey: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The partition key.
    package var p: String
    /// The sort key.
    package var s: Int

    /// Creates a key.
    package init(_ p: String, _ s: Int) { (self.p, self.s) = (p, s) }

    /// Both parts; of a long one the ends.
    package var description: String {
        p.utf8.count > 24 ? "\(p.prefix(4))…\(p.suffix(2))/\(s)" : "\(p)/\(s)"
    }

    /// Orders keys as the store does.
    package static func < (left: Self, right: Self) -> Bool {
        left.p == right.p ? left.s < right.s : left.p.utf8.lexicographicallyPrecedes(right.p.utf8)
    }
}

/// A text of an item, named by the two numbers that it is made of.
package struct Pad: Codable, Hashable, Sendable {
    /// What the text is made from.
    package var seed: Int
    /// The bytes of the text.
    package var byteCount: Int
    /// What a process reports of a text that is not as it was written.
    package var damage: String?

    /// Names a text.
    package init(_ seed: Int, _ byteCount: Int) { (self.seed, self.byteCount) = (seed, byteCount) }

    /// Reads two numbers, or the report of a damaged text.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let numbers = try? container.decode([Int].self), numbers.count == 2 {
            self.init(numbers[0], numbers[1])
        } else {
            self.init(0, 0)
            damage = try container.decode(String.self)
        }
    }

    /// Writes two numbers, or the report.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let damage {
            try container.encode(damage)
        } else {
            try container.encode([seed, byteCount])
        }
    }
}

/// An item, as commands and answers have it.
package struct ItemImage: Codable, Hashable, Sendable {
    /// The partition key.
    package var p: String
    /// The sort key.
    package var s: Int
    /// The group.
    package var g: String?
    /// The value.
    package var v: Int?
    /// The operation that wrote the item last.
    package var op: Int?
    /// The unique value.
    package var u: String?
    /// The second of expiry.
    package var x: Int?
    /// Of a pass: another second of expiry.
    package var y: Int?
    /// The text.
    package var pad: Pad?
    /// Of a consumer's item: how many changes were counted.
    package var n: Int?
    /// Of a consumer's item: a digest of their numbers.
    package var chain: String?
    /// Of an order: its fields, and what is derived from them.
    package var order: OrderImage?
    /// The names of attributes that no command writes.
    package var other: [String]?

    /// Creates an item that has nothing but its key.
    package init(_ key: ItemKey) { (p, s) = (key.p, key.s) }

    /// The item's key.
    package var key: ItemKey { ItemKey(p, s) }
}

/// The count and the sum of a group.
package struct GroupTotal: Codable, Hashable, Sendable {
    /// The group.
    package var g: String
    /// How many items it has.
    package var count: Int
    /// The sum of their values.
    package var sum: Int
    /// How many of them have a value.
    package var summed: Int

    /// The total of a group without items.
    package init(_ g: String) { (self.g, count, sum, summed) = (g, 0, 0, 0) }

    /// Reads a total; a group without values has no sum.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        g = try container.decode(String.self, forKey: .g)
        count = try container.decode(Int.self, forKey: .count)
        sum = try container.decodeIfPresent(Int.self, forKey: .sum) ?? 0
        summed = try container.decodeIfPresent(Int.self, forKey: .summed) ?? 0
    }

    private enum CodingKeys: String, CodingKey {
        case g, count, sum, summed
    }
}

// MARK: Actions

/// What an action requires of the item that it is about.
package struct Requirement: Codable, Hashable, Sendable {
    /// Whether there must be no item, or one.
    package var absent: Bool?
    /// An operation wrote the item last.
    package var opIs: Int?
    /// The item has a value of at least this.
    package var vAtLeast: Int?

    /// Creates a requirement of one kind.
    package init(absent: Bool? = nil, opIs: Int? = nil, vAtLeast: Int? = nil) {
        (self.absent, self.opIs, self.vAtLeast) = (absent, opIs, vAtLeast)
    }

    /// Whether an item fulfils the requirement.
    func holds(for item: ItemImage?) -> Bool {
        if let absent, absent != (item == nil) { return false }
        if let opIs, item?.op != opIs { return false }
        if let vAtLeast {
            guard let v = item?.v, v >= vAtLeast else { return false }
        }
        return true
    }
}

/// An addition to the value of an item.
package struct Addition: Codable, Hashable, Sendable {
    /// The partition key.
    package var p: String
    /// The sort key.
    package var s: Int
    /// What is added.
    package var by: Int
}

/// A deletion of all items that a query finds: of a partition, of a group, or of open orders.
package struct Deletion: Codable, Hashable, Sendable {
    /// The partition key.
    package var partition: String?
    /// The group, in the index of groups.
    package var group: String?
    /// The site, in the index of open orders.
    package var site: String?

    /// Creates a deletion of one kind.
    package init(partition: String? = nil, group: String? = nil, site: String? = nil) {
        (self.partition, self.group, self.site) = (partition, group, site)
    }

    /// What stands for the key of one item; no item has it.
    var key: ItemKey { ItemKey(partition ?? group ?? site ?? "", -1) }
}

/// A part of a write: one of put, delete, add, check, order and deletion.
package struct Action: Codable, Hashable, Sendable {
    /// The item that is put.
    package var put: ItemImage?
    /// The key of the item that is deleted.
    package var delete: ItemKey?
    /// The item that is added to.
    package var add: Addition?
    /// The key of the item that is only looked at.
    package var check: ItemKey?
    /// What is done to an order.
    package var order: OrderAction?
    /// Which items are deleted by a query. Lists have no such part.
    package var deletion: Deletion?
    /// What is required.
    package var condition: Requirement?

    /// Creates an action of one kind.
    package init(
        put: ItemImage? = nil, delete: ItemKey? = nil, add: Addition? = nil, check: ItemKey? = nil,
        order: OrderAction? = nil, deletion: Deletion? = nil, condition: Requirement? = nil
    ) {
        (self.put, self.delete, self.add) = (put, delete, add)
        (self.check, self.order, self.deletion) = (check, order, deletion)
        self.condition = condition
    }

    /// The key of the item that the action is about.
    package var key: ItemKey {
        if let put { return put.key }
        if let order { return order.key }
        if let deletion { return deletion.key }
        if let add { return ItemKey(add.p, add.s) }
        return delete ?? check ?? ItemKey("", 0)
    }

    /// The item after the action; the same as before for a check.
    ///
    /// An order may have another key.
    func outcome(of old: ItemImage?, op: Int) -> ItemImage? {
        if let order { return order.outcome(of: old, op: op) }
        if var put {
            put.op = op
            return put
        }
        if let add {
            var item = old ?? ItemImage(key)
            item.v = (item.v ?? 0) + add.by
            item.op = op
            return item
        }
        return delete == nil ? old : nil
    }
}
