// Rules 5 and 6 for orders, the entities of the typed layer.

extension Checker {
    /// Compares what typed reads show with a state of the model.
    mutating func checkOrders(_ read: History.Read, _ model: Model, _ name: String) {
        let (request, results) = (read.request, read.results)
        if let numbers = request.orders {
            let expected = numbers.map { model.items[Order.key($0)]?.order?.fields }
            if results.orders != expected { add(.snapshot, "a read has other orders", name) }
        }
        if let sites = request.sites {
            let expected = sites.map { site in
                model.openOrders(at: site).compactMap { $0.order?.fields }
            }
            if results.open != expected {
                add(.snapshot, "a query of open orders has other results", name)
            }
        }
    }

    /// Checks that each value of a cache is of a state that the read may have seen.
    mutating func checkCachedReads() {
        for read in history.cachedReads {
            let models = window(read.invoked, read.completed).map { states[$0] }
            let (numbers, sites) = (read.request.orders ?? [], read.request.sites ?? [])
            let (orders, open) = (read.results.orders ?? [], read.results.open ?? [])
            let areOrdersRight = zip(numbers, orders).allSatisfy { number, order in
                models.contains { $0.items[Order.key(number)]?.order?.fields == order }
            }
            let areSitesRight = zip(sites, open).allSatisfy { site, orders in
                models.contains { model in
                    model.openOrders(at: site).compactMap { $0.order?.fields } == orders
                }
            }
            if orders.count != numbers.count || !areOrdersRight {
                add(.snapshot, "a cache has other orders", "step \(read.invoked)")
            }
            if open.count != sites.count || !areSitesRight {
                add(.snapshot, "a cache has other open orders", "step \(read.invoked)")
            }
        }
    }

    /// Compares the table of orders with a state of the model.
    mutating func checkOrders(_ look: History.Look, _ model: Model, _ rule: Finding.Rule) {
        let (orders, detail) = (look.scan.orders, "commit \(look.scan.sequence)")
        let parts: [(String, [ItemImage]?, [ItemImage])] = [
            ("orders", orders.items.elements, model.orders()),
            ("entries in the index openBySite", orders.open.elements, model.openOrders()),
            ("entries in the index byBadge", orders.badges.elements, model.ordersByBadge()),
        ]
        for (name, found, expected) in parts where found != expected {
            let lists = [expected, found ?? []].map { list in
                list.map { "\($0.key) \(Self.text($0))" }.joined(separator: " ")
            }
            add(
                rule, "\(look.name) has other \(name)",
                "\(detail): expected \(lists[0]), not \(lists[1])")
        }
        if orders.totals != model.orderTotals() {
            add(rule, "\(look.name) has other totals of orders", detail)
        }
    }

    /// The text of an order for a finding.
    static func text(_ order: OrderImage) -> String {
        let fields = order.fields
        let parts: [(String, String?)] = [
            ("status", fields.status), ("site", fields.site), ("badge", fields.badge),
            ("parts", fields.parts.joined(separator: ",")), ("op", fields.op.map(String.init)),
            ("note", order.note), ("openSite", order.openSite), ("openBadge", order.openBadge),
            ("partCount", order.partCount.map(String.init)),
        ]
        return "("
            + parts.compactMap { part in part.1.map { "\(part.0)=\($0)" } }
            .joined(separator: " ") + ")"
    }
}
