internal import CodexCore

/// Writes the members of a response.
struct ResponseWriter {
    private var writer = JSONWriter()
    private var isEmpty = true

    init() { writer.raw("{") }

    /// A member's name; its value follows.
    mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
        writer.raw(isEmpty ? "" : ",")
        isEmpty = false
        writer.string(name)
        writer.raw(":")
        value(&writer)
    }

    mutating func item(_ name: String, _ item: Item) { member(name) { $0.typed(item) } }

    mutating func string(_ name: String, _ text: String) { member(name) { $0.string(text) } }

    mutating func number(_ name: String, _ number: Int) { member(name) { $0.raw("\(number)") } }

    /// A list of values.
    mutating func list<Element>(
        _ name: String, _ elements: some Sequence<Element>,
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        member(name) { $0.list(elements, write) }
    }

    mutating func capacity(_ detail: Capacity.Detail, _ units: () -> Capacity) {
        guard detail != .none else { return }
        member("ConsumedCapacity") { units().write(detail, to: &$0) }
    }

    consuming func end() -> JSONWriter {
        writer.raw("}")
        return writer
    }
}

extension JSONWriter {
    mutating func list<Element>(
        _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            write(&self, element)
        }
        raw("]")
    }
}

extension ResponseWriter {
    mutating func capacities(_ detail: Capacity.Detail, _ units: [Capacity]) {
        guard detail != .none else { return }
        list("ConsumedCapacity", units) { $1.write(detail, to: &$0) }
    }
}
