// Rules 5 and 6 for passes, whose time to live comes and goes.

extension Checker {
    /// Whether a read shows passes as a state of the model has them, by a clock.
    func mayShow(
        _ passes: [ItemImage?]?, _ read: History.Read, _ model: Model, _ now: Int
    ) -> Bool {
        guard let keys = read.request.passes, let passes, passes.count == keys.count else {
            return false
        }
        let lifetimes = lifetimes(read.invoked, read.completed)
        return zip(keys, passes).allSatisfy { key, shown in
            lifetimes.contains { lifetime in
                var model = model
                model.lifetime = lifetime
                return model.visible(key, at: now) == shown
            }
        }
    }

    /// Compares the table of passes with a state of the model.
    mutating func checkPasses(
        _ look: History.Look, _ model: Model, _ rule: Finding.Rule, _ lifetimes: Set<Lifetime>
    ) {
        let scan = look.scan.passes
        let parts: [(String, [ItemImage]?, [ItemImage])] = [
            ("passes", scan.items.elements, model.passes()),
            ("entries in the index of passes", scan.byV.elements, model.passesByValue()),
        ]
        for (name, shown, all) in parts where !mayShow(shown, of: all, look.now, lifetimes) {
            let lists = [all, shown ?? []].map { list in
                list.map { "\($0.key) \(Self.text($0))" }.joined(separator: " ")
            }
            add(
                rule, "\(look.name) has other \(name)",
                "commit \(look.scan.sequence): of \(lists[0]), it has \(lists[1])")
        }
    }

    /// Whether these of all passes may be there by a clock, in their order.
    private func mayShow(
        _ shown: [ItemImage]?, of all: [ItemImage], _ now: Int, _ lifetimes: Set<Lifetime>
    ) -> Bool {
        guard let shown else { return false }
        let kept = Set(shown)
        guard shown == all.filter({ kept.contains($0) }) else { return false }
        return all.allSatisfy { item in
            lifetimes.contains { item.isExpired(at: now, by: $0) != kept.contains(item) }
        }
    }
}
