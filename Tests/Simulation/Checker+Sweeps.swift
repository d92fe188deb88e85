// Removals of items that are over.

extension Checker {
    /// Checks that items which processes removed were over by the clock of one of them.
    mutating func checkExpiries() {
        for (place, change) in expiries {
            let isRight = history.sweeps.contains { sweep in
                let seen = window(sweep.invoked, sweep.completed)
                let isThen = change.time.map { abs($0 - Double(sweep.now)) < 1 } ?? true
                let isOver = lifetimes(sweep.invoked, sweep.completed).contains { lifetime in
                    change.old?.isExpired(at: sweep.now, by: lifetime) == true
                }
                return isThen && isOver && seen.lowerBound <= place && place < seen.upperBound
            }
            if !isRight {
                add(
                    .replay, "an item was removed that is not over",
                    "commit \(history.stream[place].sequence): \(change.key)")
            }
        }
        let counts = history.sweeps.compactMap(\.count)
        let count = counts.reduce(0, +)
        if count > expiries.count {
            add(
                .presence, "an acknowledged removal of items is lost",
                "\(count), and the stream has \(expiries.count)")
        } else if count < expiries.count, counts.count == history.sweeps.count {
            add(
                .presence, "a removal of items was not told",
                "\(count), and the stream has \(expiries.count)")
        }
    }

    /// Checks that a removal which was not ended by its limit left no item that was over all the
    /// time.
    mutating func checkSweeps() {
        for sweep in history.sweeps {
            guard let count = sweep.count, sweep.limit.map({ count < $0 }) ?? true else {
                continue
            }
            let places = window(sweep.invoked, sweep.completed)
            let lifetimes = lifetimes(sweep.invoked, sweep.completed)
            for (key, item) in states[places.lowerBound].items.sorted(by: { $0.key < $1.key }) {
                let isOver = lifetimes.allSatisfy { item.isExpired(at: sweep.now, by: $0) }
                guard isOver, places.allSatisfy({ states[$0].items[key] == item }) else {
                    continue
                }
                add(
                    .presence, "a removal of items left one that is over",
                    "\(key), step \(sweep.invoked)")
            }
        }
    }
}
