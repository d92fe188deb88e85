// What consumers tell of the stream, apart from its replay.

extension Checker {
    /// Checks that consumers are where they counted to, and that refusals of them are right.
    mutating func checkConsumers() {
        for refusal in history.overtakings {
            let places = window(refusal.invoked, refusal.completed)
            let commits = history.stream[places.lowerBound..<places.upperBound]
            let isMoved = commits.contains { commit in
                commit.changes.contains { $0.table == "c" && $0.key.p == refusal.consumer }
            }
            if !isMoved {
                add(
                    .refusal, "a consumer was refused without a reason",
                    "\(refusal.consumer), step \(refusal.invoked)")
            }
        }
        if let last = history.scans.last(where: { $0.completed == .max }) {
            checkConsumers(of: last, counters.last ?? [:])
        }
        for copy in history.copies {
            checkConsumers(of: copy, counters[place(of: copy.scan.sequence)])
        }
    }

    /// Checks the consumers of a store that nothing changed while they were read.
    private mutating func checkConsumers(
        of look: History.Look, _ items: [ItemKey: ItemImage]
    ) {
        for (key, item) in items.sorted(by: { $0.key < $1.key }) {
            let place = look.scan.consumers.first { $0.name == key.p }
            let count = place.map { consumed.count(upTo: $0.at) }
            if count != (consumerStarts[key] ?? 0) + (item.n ?? 0) {
                add(
                    .copies, "a consumer of \(look.name) is not where it counted to",
                    "\(key.p) at \(place?.at ?? "no change")")
            }
        }
    }
}
