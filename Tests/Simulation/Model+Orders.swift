// Orders are entities of the typed layer, in a table of their own. They do not expire.

extension Model {
    /// Why an action on an order is refused, whose condition holds; `nil` if it is not.
    ///
    /// - Parameters:
    ///   - action: The action.
    ///   - place: Its place in the write.
    func refusal(of action: Action, at place: Int) -> Verdict? {
        guard let order = action.order else { return nil }
        let isThere = items[order.key] != nil
        switch order.kind {
        case .insert: if isThere { return .conditionFailed([place]) }
        case .update: if !isThere { return .notFound([place]) }
        case .replace:
            if let version = order.version {
                if versions[order.key] != version { return .versionMismatch([place]) }
            } else if !isThere {
                return .notFound([place])
            }
        case .put, .delete, .rawPut, .rawUpdate: break
        }
        // An order moves only to a key that is free.
        let newKey = Order.key(order.fields.number)
        return newKey != order.key && items[newKey] != nil ? .conditionFailed([place]) : nil
    }

    // MARK: Table, indexes and totals

    /// The orders, by key.
    func orders() -> [ItemImage] {
        items.values.filter { $0.order != nil }.sorted { $0.key < $1.key }
    }

    /// The entries of the index of open orders, in its order.
    func openOrders(at site: String? = nil) -> [ItemImage] {
        orders().filter { item in
            guard let open = item.order?.openSite else { return false }
            return site == nil || site == open
        }
        .sorted { left, right in
            (left.order?.openSite ?? "", left.order?.partCount ?? 0, left.key)
                < (right.order?.openSite ?? "", right.order?.partCount ?? 0, right.key)
        }
    }

    /// The entries of the unique index of badges, in its order.
    func ordersByBadge() -> [ItemImage] {
        orders().filter { $0.order?.openBadge != nil }
            .sorted { ($0.order?.openBadge ?? "", $0.key) < ($1.order?.openBadge ?? "", $1.key) }
    }

    /// The totals of the sites that have open orders.
    func orderTotals() -> [GroupTotal] {
        Self.totals(items.values.compactMap(\.order).map { ($0.openSite, $0.partCount) })
    }
}
