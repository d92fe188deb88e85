/// Infers the versions of each key from the lists that were read, and finds what single lists show.
struct Inference {
    let operations: [History.Operation]
    private(set) var keys: [KeyHistory] = []
    /// Whether an operation took effect: it was acknowledged, or a value of it was read.
    private(set) var hasEffect: [Bool]
    private(set) var findings: [Finding] = []
    private var places: [Int: Int] = [:]
    /// The kinds that were found of a key: of each, one is reported.
    private var reported: Set<Reported> = []

    private struct Reported: Hashable {
        var kind: Finding.Kind
        var key: Int
    }

    init(_ history: History) {
        operations = history.operations
        hasEffect = operations.map { $0.outcome == .ok }
        for place in operations.indices { addAppends(place) }
        for place in operations.indices where hasEffect[place] { addReads(place) }
        findUnknownEffects()
        for place in keys.indices {
            checkOrder(place)
            checkReads(place)
            checkMonotonic(place)
            checkAcknowledged(place)
        }
    }

    private mutating func report(
        _ kind: Finding.Kind, _ key: Int, _ operations: [Int], _ text: String
    ) {
        guard reported.insert(Reported(kind: kind, key: key)).inserted else { return }
        let numbers = operations.map { self.operations[$0].number }
        findings.append(Finding(kind, operations: numbers, "key \(key): \(text)"))
    }

    /// An operation, for people.
    func name(_ place: Int) -> String {
        "operation \(operations[place].number) (\(operations[place].form))"
    }

    private mutating func place(of key: Int) -> Int {
        if let place = places[key] { return place }
        places[key] = keys.count
        keys.append(KeyHistory(key))
        return keys.count - 1
    }

    // MARK: Appends and reads

    private mutating func addAppends(_ operation: Int) {
        var last: [(key: Int, value: Int)] = []
        for case .append(let key, let value) in operations[operation].steps {
            let place = place(of: key)
            if let other = keys[place].appends[value] {
                report(
                    .duplicateValue, key, [other.operation, operation],
                    "\(name(other.operation)) and \(name(operation)) append \(value)")
                continue
            }
            if let own = last.firstIndex(where: { $0.key == key }) {
                keys[place].appends[last[own].value]?.isLast = false
                last[own].value = value
            } else {
                last.append((key, value))
            }
            keys[place].appends[value] = KeyHistory.Append(operation: operation, isLast: true)
        }
    }

    /// What an operation did to a key so far.
    private struct OwnState {
        var key: Int
        var appended: [Int] = []
        /// The list that it read, without its own values.
        var external: ArraySlice<Int>?
    }

    /// Takes the lists that an operation read, and compares them with what it appended itself.
    private mutating func addReads(_ operation: Int) {
        var states: [OwnState] = []
        for step in operations[operation].steps {
            let key = step.key
            let state: Int
            if let known = states.firstIndex(where: { $0.key == key }) {
                state = known
            } else {
                state = states.count
                states.append(OwnState(key: key))
            }
            switch step {
            case .append(_, let value): states[state].appended.append(value)
            case .read(_, nil): continue
            case .read(_, let list?):
                let appended = states[state].appended
                let external = list.dropLast(appended.count)
                guard Array(list.suffix(appended.count)) == appended,
                    states[state].external == nil || states[state].external == external
                else {
                    report(
                        .internalRead, key, [operation],
                        "\(name(operation)) reads \(list) after its own steps "
                            + "\(operations[operation].steps)")
                    continue
                }
                states[state].external = external
                let place = place(of: key)
                keys[place].add(
                    KeyHistory.Read(
                        operation: operation, list: list, externalCount: external.count))
            }
        }
    }

    /// Takes an operation of unknown outcome for done if a value of it was read, and its reads with
    /// it: those that are known were conditions of its writes.
    ///
    /// Those reads may show values of further such operations, so their keys are examined again.
    private mutating func findUnknownEffects() {
        var rest = Array(keys.indices)
        while let place = rest.popLast() {
            let key = keys[place]
            for value in key.order {
                guard let append = key.appends[value], !hasEffect[append.operation],
                    operations[append.operation].outcome == .unknown
                else { continue }
                hasEffect[append.operation] = true
                addReads(append.operation)
                for case .read(let key, _?) in operations[append.operation].steps {
                    rest.append(self.place(of: key))
                }
            }
        }
    }

    // MARK: Lists

    private mutating func checkOrder(_ place: Int) {
        let key = keys[place]
        guard let reader = key.reads.first(where: { $0.list.count == key.order.count }) else {
            return
        }
        checkValues(key.order, of: key, readBy: reader.operation)
    }

    /// Checks the values of a list, whatever their order.
    private mutating func checkValues(
        _ list: [Int], of key: KeyHistory, readBy reader: Int
    ) {
        var seen: Set<Int> = []
        for value in list {
            if !seen.insert(value).inserted {
                report(
                    .duplicateValue, key.key, [reader],
                    "\(name(reader)) reads \(value) twice in \(list)")
            }
            guard let append = key.appends[value] else {
                report(
                    .phantomValue, key.key, [reader],
                    "\(name(reader)) reads \(value), which no operation appended")
                continue
            }
            if operations[append.operation].outcome == .failed {
                report(
                    .abortedRead, key.key, [append.operation, reader],
                    "\(name(reader)) reads \(value) of \(name(append.operation)), which failed")
            }
        }
    }

    private mutating func checkReads(_ place: Int) {
        let key = keys[place]
        for read in key.reads {
            if !key.isVersion(read.list) {
                report(
                    .incompatibleOrder, key.key, [read.operation],
                    "\(name(read.operation)) reads \(read.list), and another \(key.order)")
                checkValues(read.list, of: key, readBy: read.operation)
            }
            guard read.externalCount > 0,
                let append = key.appends[read.list[read.externalCount - 1]],
                !append.isLast, append.operation != read.operation
            else { continue }
            report(
                .intermediateRead, key.key, [append.operation, read.operation],
                "\(name(read.operation)) reads \(read.list) amid \(name(append.operation))")
        }
    }

    /// Sees that no read has less than one that was answered before it began.
    private mutating func checkMonotonic(_ place: Int) {
        let key = keys[place]
        var begun: [(time: Int, read: KeyHistory.Read)] = []
        var ended: [(time: Int, read: KeyHistory.Read)] = []
        for read in key.reads where key.isVersion(read.list) {
            begun.append((operations[read.operation].invoked, read))
            if let end = operations[read.operation].completed { ended.append((end, read)) }
        }
        begun.sort { $0.time < $1.time }
        ended.sort { $0.time < $1.time }
        var next = 0
        var longest: KeyHistory.Read?
        for (time, read) in begun {
            while next < ended.count, ended[next].time < time {
                let other = ended[next].read
                if other.list.count > (longest?.list.count ?? -1) { longest = other }
                next += 1
            }
            guard let longest, read.externalCount < longest.list.count else { continue }
            report(
                .nonMonotonicRead, key.key, [longest.operation, read.operation],
                "\(name(read.operation)) reads \(read.externalCount) values after "
                    + "\(name(longest.operation)) read \(longest.list.count)")
        }
    }

    /// Sees that an acknowledged value is not missing in all lists that were read later.
    private mutating func checkAcknowledged(_ place: Int) {
        let key = keys[place]
        let last = key.reads.max {
            operations[$0.operation].invoked < operations[$1.operation].invoked
        }
        guard let last else { return }
        let known = Set(key.order)
        let time = operations[last.operation].invoked
        for (value, append) in key.appends.sorted(by: { $0.key < $1.key })
        where !known.contains(value) {
            guard operations[append.operation].outcome == .ok,
                let end = operations[append.operation].completed, end < time,
                !last.list.contains(value)
            else { continue }
            report(
                .lostAppend, key.key, [append.operation, last.operation],
                "\(value) of \(name(append.operation)) was acknowledged, and "
                    + "\(name(last.operation)) does not read it")
        }
    }
}
