/// An order, as its Swift type in the processes has it.
package struct Order: Codable, Hashable, Sendable {
    /// The number, from which the key is made.
    package var number: Int
    /// Where it is done.
    package var site: String?
    /// Whether it is open, held or done.
    package var status: String
    /// The badge, which no other order may have before it is done.
    package var badge: String?
    /// What it needs.
    package var parts: [String]
    /// The operation that wrote it last.
    package var op: Int?

    /// The key of an order.
    static func key(_ number: Int) -> ItemKey {
        let digits = String(number)
        return ItemKey("ORDER#" + String(repeating: "0", count: 10 - digits.count) + digits, 0)
    }
}

/// A stored order: the fields of the type, and what else the item has.
package struct OrderImage: Codable, Hashable, Sendable {
    /// The fields.
    package var fields: Order
    /// An attribute that the type does not know.
    package var note: String?
    /// The site, while the order is open.
    package var openSite: String?
    /// The badge as a key, before the order is done.
    package var openBadge: String?
    /// The number of parts.
    package var partCount: Int?

    /// Derives what a store derives.
    init(_ fields: Order, note: String? = nil) {
        (self.fields, self.note) = (fields, note)
        openSite = fields.status == "open" ? fields.site : nil
        openBadge = fields.status == "done" ? nil : fields.badge.map { "BADGE#" + $0 }
        partCount = fields.parts.count
    }
}

/// What a write does to an order.
package struct OrderAction: Codable, Hashable, Sendable {
    /// How it is done.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        // By the Swift type.
        case insert, put, replace, update, delete
        // Without it; the process also gives a value for a derived attribute, to no effect.
        case rawPut, rawUpdate

        /// Whether it is done without the Swift type: lists have no others.
        var isRaw: Bool { self == .rawPut || self == .rawUpdate }
    }

    /// How it is done.
    package var kind: Kind
    /// The order that is stored. An update takes its number, status and parts alone.
    package var fields: Order
    /// The number of the order that is replaced or updated, if it was another before.
    package var from: Int?
    /// The version that a replacement read before. Without it, the write reads the order, too.
    package var version: Int?
    /// An attribute that the type does not know.
    package var note: String?

    /// The key of the order before the action.
    var key: ItemKey { Order.key(from ?? fields.number) }

    /// The order after the action, which may have another key.
    func outcome(of old: ItemImage?, op: Int) -> ItemImage? {
        var new = fields
        new.op = op
        let stored = old?.order
        switch kind {
        case .insert, .put: return ItemImage(OrderImage(new))
        case .replace: return ItemImage(OrderImage(new, note: stored?.note))
        case .rawPut: return ItemImage(OrderImage(new, note: note))
        case .update, .rawUpdate:
            guard let stored else { return nil }
            (new.site, new.badge) = (stored.fields.site, stored.fields.badge)
            return ItemImage(OrderImage(new, note: note ?? stored.note))
        case .delete: return nil
        }
    }
}

extension ItemKey {
    /// The table of the items with such a key, those of consumers apart.
    var table: String {
        if isPass { return "e" }
        return p.hasPrefix("ORDER#") ? "o" : "t"
    }
}

extension ItemImage {
    /// The item of an order.
    init(_ order: OrderImage) {
        self.init(Order.key(order.fields.number))
        self.order = order
    }

    /// The value that no other item of its table may have.
    var unique: String? { order?.openBadge ?? u }
}
