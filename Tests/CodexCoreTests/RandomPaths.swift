import CodexCore
import TestSupport

/// Paths at random in an item: to values of all depths, and to places without a value.
struct RandomPaths {
    let item: Item
    private var random: SplitMix

    init(_ item: Item, seed: UInt64) {
        self.item = item
        random = SplitMix(seed: seed)
    }

    mutating func path() -> DocumentPath {
        guard !item.isEmpty, !random.chance(5) else { return "missing" }
        let element = random.pick(item.elements)
        var (path, value) = (DocumentPath(element.name), element.value)
        while random.chance(70) {
            switch value {
            case .map(let map) where !map.isEmpty:
                let next = random.pick(map.elements)
                (path, value) = (path[next.name], next.value)
            case .list(let list):
                let index = random.below(list.count + 1)
                path = path[index]
                guard index < list.count else { return path }
                value = list[index]
            default: return random.chance(10) ? path["below"] : path
            }
        }
        return path
    }
}
