import Histories
import TestSupport

/// One change of a history after which no correct store can have made it.
enum HistoryDamage: CaseIterable {
    /// A list that was read has two values in another order.
    case swappedValues
    /// A list that was read lacks one of its first values.
    case missingValue
    /// A list that was read ends with a value that no operation appended.
    case foreignValue
    /// A list that was read lacks its last value, whose operation had ended before the read began.
    case staleRead
    /// An operation whose value was read failed.
    case aborted
    /// The last list has two values in another order, whose operations came one after the other.
    case swappedWrites

    /// A place where a list was read by an operation that does not append to the key.
    private struct Place {
        var operation: Int
        var step: Int
        var key: Int
        var list: [Int]
    }

    /// The history with the change; `nil` if it has no place for it.
    func make(in history: History, _ random: inout SplitMix) -> History? {
        var operations = history.operations
        if self == .aborted { return abort(&operations, random.next()) }
        let places = Self.places(operations, isFinal: self == .swappedWrites)
        let writers = Self.writers(operations)
        for place in places.shuffled(using: &random) {
            guard let list = changed(place, operations, writers) else { continue }
            operations[place.operation].steps[place.step] = .read(key: place.key, list: list)
            return History(operations: operations)
        }
        return nil
    }

    private static func places(_ operations: [History.Operation], isFinal: Bool) -> [Place] {
        var places: [Place] = []
        for (operation, found) in operations.enumerated() where found.outcome == .ok {
            guard (found.form == "final") == isFinal else { continue }
            let appended = Set(found.steps.filter(\.isAppend).map(\.key))
            for (step, read) in found.steps.enumerated() {
                guard case .read(let key, let list?) = read, !appended.contains(key) else {
                    continue
                }
                places.append(Place(operation: operation, step: step, key: key, list: list))
            }
        }
        return places
    }

    /// The operation that appends each value.
    private static func writers(_ operations: [History.Operation]) -> [Int: History.Operation] {
        var writers: [Int: History.Operation] = [:]
        for operation in operations {
            for case .append(_, let value) in operation.steps { writers[value] = operation }
        }
        return writers
    }

    /// A list as it never was; `nil` if this one cannot be changed so.
    private func changed(
        _ place: Place, _ operations: [History.Operation], _ writers: [Int: History.Operation]
    ) -> [Int]? {
        var list = place.list
        switch self {
        case .aborted: return nil
        case .swappedValues:
            guard list.count > 1 else { return nil }
            list.swapAt(list.count - 2, list.count - 1)
        case .missingValue:
            guard list.count > 1 else { return nil }
            list.removeFirst()
        case .foreignValue: list.append(-1)
        case .staleRead:
            guard let last = list.popLast(), let end = writers[last]?.completed,
                end < operations[place.operation].invoked
            else { return nil }
        case .swappedWrites:
            for next in list.indices.dropFirst() {
                guard let end = writers[list[next - 1]]?.completed,
                    let later = writers[list[next]], end < later.invoked
                else { continue }
                list.swapAt(next - 1, next)
                return list
            }
            return nil
        }
        return list
    }

    private func abort(_ operations: inout [History.Operation], _ chance: UInt64) -> History? {
        let places = operations.indices.filter { place in
            operations[place].outcome == .ok && operations[place].steps.contains(where: \.isAppend)
        }
        guard !places.isEmpty else { return nil }
        operations[places[Int(chance % UInt64(places.count))]].outcome = .failed
        return History(operations: operations)
    }
}
