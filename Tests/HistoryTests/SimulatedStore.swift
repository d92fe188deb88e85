import Histories
import TestSupport

/// Histories of a store that makes one operation after the other, each at a moment between its call
/// and its answer.
struct SimulatedStore {
    private static let slotCount = 8
    private static let listCountMax = 24
    private static let threadCount = 10

    /// An operation that has begun.
    private struct Running {
        var operation: History.Operation
        var isApplied = false
        var fails: Bool
        /// Whether its answer is lost.
        var isLost: Bool
    }

    private var random: SplitMix
    private var lists: [Int: [Int]] = [:]
    private var generations = [Int](repeating: 0, count: SimulatedStore.slotCount)
    private var running = [Running?](repeating: nil, count: SimulatedStore.threadCount)
    private var operations: [History.Operation] = []
    private var time = 0
    private var lastNumber = 0

    /// A history of so many operations, with a read of all lists at its end.
    static func history(seed: UInt64, count: Int) -> History {
        var store = SimulatedStore(random: SplitMix(seed: seed))
        while store.lastNumber < count || store.running.contains(where: { $0 != nil }) {
            store.step(begins: store.lastNumber < count)
        }
        store.readAll()
        return History(operations: store.operations)
    }

    private init(random: SplitMix) { self.random = random }

    private mutating func step(begins: Bool) {
        time += 1
        let thread = random.below(running.count)
        guard var present = running[thread] else {
            if begins { running[thread] = begin() }
            return
        }
        if !present.isApplied {
            present.isApplied = true
            // What is lost may never be made.
            let isMade = !present.fails && !(present.isLost && random.chance(50))
            if isMade { present.operation.steps = apply(present.operation.steps) }
            running[thread] = present
        } else {
            end(present)
            running[thread] = nil
        }
    }

    private mutating func begin() -> Running {
        lastNumber += 1
        var steps: [MicroOperation] = []
        for place in 0..<(1 + random.below(4)) {
            let slot = random.below(Self.slotCount)
            let key = generations[slot] * Self.slotCount + slot
            let value = lastNumber * 8 + place
            steps.append(
                random.chance(50) ? .read(key: key, list: nil) : .append(key: key, value: value))
        }
        let operation = History.Operation(
            number: lastNumber, steps: steps, outcome: .unknown, invoked: time, completed: nil)
        return Running(
            operation: operation, fails: random.chance(5), isLost: random.chance(3))
    }

    private mutating func apply(_ steps: [MicroOperation]) -> [MicroOperation] {
        steps.map { step in
            switch step {
            case .append(let key, let value):
                lists[key, default: []].append(value)
                if lists[key, default: []].count == Self.listCountMax {
                    generations[key % Self.slotCount] += 1
                }
                return step
            case .read(let key, _): return .read(key: key, list: lists[key] ?? [])
            }
        }
    }

    private mutating func end(_ present: Running) {
        var operation = present.operation
        if present.isLost {
            // What it read is not known either.
            operation.steps = operation.steps.map { step in
                step.isAppend ? step : .read(key: step.key, list: nil)
            }
        } else {
            operation.outcome = present.fails ? .failed : .ok
            operation.completed = time
        }
        operations.append(operation)
    }

    private mutating func readAll() {
        let steps = lists.keys.sorted().map { MicroOperation.read(key: $0, list: lists[$0]) }
        operations.append(
            History.Operation(
                number: lastNumber + 1, form: "final", steps: steps, invoked: time + 1,
                completed: time + 2))
    }
}
