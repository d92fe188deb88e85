internal import CodexCore

/// The least distinct keys of many, up to a number, in bounded memory.
package struct LeastKeys {
    private let countMax: Int
    private var gathered: [[UInt8]] = []
    /// The greatest key that still counts; `nil` while fewer keys than the number are known.
    private var bound: [UInt8]?
    /// Whether keys above the least ones were dropped.
    package private(set) var isCut = false

    /// Creates an empty collection.
    ///
    /// - Parameter countMax: The maximum number of keys, 1 or more.
    package init(countMax: Int) { self.countMax = countMax }

    /// Adds a key, unless it is above the least ones.
    ///
    /// - Complexity: O(log *m*) on average for *m* keys of the number.
    package mutating func add(_ key: [UInt8]) {
        if let bound {
            let order = ByteOrder.compare(key, bound)
            if order > 0 { isCut = true }
            if order >= 0 { return }
        }
        gathered.append(key)
        if gathered.count / 2 >= countMax { trim() }
    }

    /// The least keys, ascending.
    package mutating func keys() -> [[UInt8]] {
        trim()
        return gathered
    }

    private mutating func trim() {
        gathered.sort { ByteOrder.compare($0, $1) < 0 }
        var distinct: [[UInt8]] = []
        for key in gathered where key != distinct.last {
            if distinct.count == countMax {
                isCut = true
                break
            }
            distinct.append(key)
        }
        gathered = distinct
        if gathered.count == countMax { bound = gathered.last }
    }
}
