import CodexCore
import CodexStore

// Pages of a group, each with a snapshot of its own.

extension SimulatedProcess {
    /// Reads a group page by page, to its end.
    ///
    /// The turn is given back between pages if the command wants it. So each page may be of another
    /// state.
    func pages(_ command: Command) throws -> Answer {
        let store = try openStore()
        let query = Items.query(ofGroup: try command.need(command.groups?.first, "groups"))
        let limits = PageLimits(returned: max(1, command.limit ?? 1))
        var pages: [Answer] = []
        var token: PageToken?
        while true {
            let page = try store.read { snapshot in
                try Self.page(query, limits, after: token, snapshot)
            }
            pages.append(page.answer)
            token = page.next
            if token == nil { return ["pages": .list(pages)] }
            Self.giveTurn(command)
        }
    }

    private static func page(
        _ query: TableQuery, _ limits: PageLimits, after token: PageToken?,
        _ snapshot: borrowing Snapshot
    ) throws -> (answer: Answer, next: PageToken?) {
        let sequence = try snapshot.sequenceNumber.commit
        let page = try snapshot.items(matching: query, limits: limits, after: token)
        let answer: Answer = [
            "sequence": .count(sequence), "items": .list(page.items.map { Items.shown($0) }),
        ]
        return (answer, page.next)
    }
}
