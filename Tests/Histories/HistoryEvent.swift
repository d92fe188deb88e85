/// What a process records before and after an operation: one line of JSON.
///
///     {"event":"ok","time":7,"operation":3,"process":0,"form":"body",
///     "steps":[["append",1,9],["read",2,[4]],["read",3,null]],"code":"diskFull","free":4096}
///
/// The members are always in this order, and there is no white space. `code` is there only if the
/// operation failed, and `free` only if the error may come from a full disk.
package struct HistoryEvent: Hashable, Sendable {
    /// What happened.
    package enum Kind: String, Sendable {
        /// The operation begins; recorded before its call.
        case invoke
        /// It took effect; recorded after its call.
        case ok
        /// It has no effect, and never will.
        case fail
        /// It has no effect, since conditions did not hold. The steps are the lists of the items
        /// that the errors returned.
        case refused
        /// Whether it took effect is not known.
        case info
    }

    package var kind: Kind
    /// The monotonic clock of the machine, in nanoseconds.
    package var time: Int
    /// The number of the operation, unique in the history.
    package var operation: Int
    package var process: Int
    /// The kind of call, for reports; letters and digits.
    package var form: String
    /// The steps; an event of the end may have none, and those of the beginning hold then.
    package var steps: [MicroOperation]
    /// Why it failed; letters and digits.
    package var code: String?
    /// The free bytes of the store's disk when the operation failed.
    package var freeByteCount: Int?

    package init(
        _ kind: Kind, at time: Int, operation: Int, process: Int, form: String,
        steps: [MicroOperation] = [], code: String? = nil, freeByteCount: Int? = nil
    ) {
        (self.kind, self.time, self.operation, self.process) = (kind, time, operation, process)
        (self.form, self.steps, self.code) = (form, steps, code)
        self.freeByteCount = freeByteCount
    }

    /// The line, with its end.
    package var line: String {
        var text = "{\"event\":\"\(kind.rawValue)\",\"time\":\(time),\"operation\":\(operation),"
        text += "\"process\":\(process),\"form\":\"\(form)\",\"steps\":["
        for (place, step) in steps.enumerated() {
            if place > 0 { text += "," }
            switch step {
            case .append(let key, let value): text += "[\"append\",\(key),\(value)]"
            case .read(let key, nil): text += "[\"read\",\(key),null]"
            case .read(let key, let list?):
                text += "[\"read\",\(key),["
                for (place, value) in list.enumerated() {
                    if place > 0 { text += "," }
                    text += String(value)
                }
                text += "]]"
            }
        }
        text += "]"
        if let code { text += ",\"code\":\"\(code)\"" }
        if let freeByteCount { text += ",\"free\":\(freeByteCount)" }
        return text + "}\n"
    }
}
