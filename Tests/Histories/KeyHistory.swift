/// What a history tells of one key: who appended what, who read which list.
struct KeyHistory {
    /// An operation that appends a value.
    struct Append {
        var operation: Int
        /// Whether the operation appends no further value to the key.
        var isLast: Bool
    }

    /// A list that an operation read.
    struct Read {
        var operation: Int
        var list: [Int]
        /// How many of its values the operation had not appended itself.
        var externalCount: Int
    }

    let key: Int
    /// Who appends a value.
    var appends: [Int: Append] = [:]
    var reads: [Read] = []
    /// The longest list that was read: the order of the versions.
    private(set) var order: [Int] = []

    init(_ key: Int) { self.key = key }

    mutating func add(_ read: Read) {
        reads.append(read)
        if read.list.count > order.count { order = read.list }
    }

    /// Whether a list is one of the versions.
    func isVersion(_ list: [Int]) -> Bool {
        guard list.count <= order.count else { return false }
        for place in list.indices where list[place] != order[place] { return false }
        return true
    }
}
