/// Reads ``RequestTable``: first the names of all shapes, then what they consist of.
///
/// The table is part of the program. A line that cannot be read adds a problem, and a test requires
/// that there is none.
struct RequestTableReader {
    /// The shapes; the first one stands for shapes that the table does not have.
    private(set) var shapes = [RequestShape(kind: .unchecked)]
    /// The name of each shape.
    private(set) var names = [""]
    private(set) var members: [RequestShapes.Member] = []
    private(set) var constraints: [RequestConstraint] = []
    /// The words of choices, as ranges of ``bytes``.
    private(set) var words: [Range<Int>] = []
    /// The bytes of the members' names and of the words.
    private(set) var bytes: [UInt8] = []
    /// The shape of each operation's input.
    private(set) var inputs: [String: Int] = [:]
    private(set) var problems: [String] = []

    /// The shapes that are no operations' inputs, by their names.
    private var places: [String: Int] = [:]
    /// The shape whose members are read.
    private var current = 0

    init(_ text: String) {
        let lines = text.split(separator: "\n").map { line in
            (isMember: line.hasPrefix(" "), words: line.split(separator: " ").map(String.init))
        }
        for line in lines where !line.isMember { declare(line.words) }
        current = 0
        for line in lines {
            if line.isMember { readMember(line.words) } else { readShape(line.words) }
        }
    }

    private mutating func declare(_ line: [String]) {
        guard line.count >= 2 else { return problems.append(line.joined()) }
        let kind: RequestShape.Kind? =
            line[0] == "operation" ? .structure : RequestShape.Kind(rawValue: line[0])
        if kind == nil { problems.append("The kind \(line[0]) of \(line[1]) is not known.") }
        let isFirst =
            if line[0] == "operation" {
                inputs.updateValue(shapes.count, forKey: line[1]) == nil
            } else {
                places.updateValue(shapes.count, forKey: line[1]) == nil
            }
        if !isFirst { problems.append("\(line[1]) stands there twice.") }
        shapes.append(RequestShape(kind: kind ?? .unchecked))
        names.append(line[1])
    }

    /// The index of a shape; that of the first one if there is no such shape.
    private mutating func place(_ name: String?) -> Int {
        if let place = name.flatMap({ places[$0] }) { return place }
        problems.append("\(names[current]) needs the shape \(name ?? "").")
        return 0
    }

    private mutating func readMember(_ line: [String]) {
        let offset = shapes[current].members.count
        guard (2...3).contains(line.count), offset < RequestShape.memberCountMax else {
            return problems.append("\(names[current]): \(line.joined(separator: " "))")
        }
        let shape = place(line[1])
        members.append(RequestShapes.Member(name: add(line[0]), shape: shape))
        shapes[current].members = members.count - 1 - offset..<members.count
        switch line.dropFirst(2).first {
        case nil: break
        case "required"?: shapes[current].required |= 1 << UInt32(offset)
        case "present"?: shapes[current].present |= 1 << UInt32(offset)
        case let word?: problems.append("\(names[current]): \(word)")
        }
    }

    private mutating func readShape(_ line: [String]) {
        current += 1
        guard shapes.indices.contains(current), names[current] == line.dropFirst().first else {
            return current -= 1
        }
        var rest = line.dropFirst(2)
        switch shapes[current].kind {
        case .map:
            shapes[current].key = place(rest.popFirst())
            shapes[current].element = place(rest.popFirst())
        case .list, .name: shapes[current].element = place(rest.popFirst())
        default: break
        }
        let start = constraints.count
        for word in rest { readConstraint(word) }
        shapes[current].constraints = start..<constraints.count
    }

    private mutating func readConstraint(_ word: String) {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        let number = parts.last.flatMap { Int($0) }
        switch (parts.first, number) {
        case ("min"?, let number?): constraints.append(.init(kind: .minimum, number: number))
        case ("max"?, let number?): constraints.append(.init(kind: .maximum, number: number))
        case ("pattern"?, nil) where parts.last == RequestShapes.pattern:
            constraints.append(.init(kind: .pattern))
        case ("enum"?, nil) where parts.count == 2:
            let start = words.count
            for choice in parts[1].split(separator: ",") { words.append(add(String(choice))) }
            constraints.append(.init(kind: .choice, words: start..<words.count))
        case ("filled"?, nil): constraints.append(.init(kind: .filled))
        case ("plain"?, nil): shapes[current].isPlain = true
        case ("json"?, nil): shapes[current].isJSON = true
        default: problems.append("\(names[current]): \(word)")
        }
    }

    /// Adds the bytes of a text, and returns their range.
    private mutating func add(_ text: String) -> Range<Int> {
        let start = bytes.count
        bytes += text.utf8
        return start..<bytes.count
    }
}
