internal import CodexCore

// Reads of all pages, as of the writes that completed before each page.

extension TableBackend {
    /// All items of a query of the table itself.
    ///
    /// - Throws: The errors of the table.
    func allItems(matching query: TableQuery) async throws -> [Item] {
        var (found, token): ([Item], PageToken?) = ([], nil)
        repeat {
            let page = try await self.items(
                matching: query, limits: PageLimits(), after: token, consistency: .consistent)
            found += page.items
            token = page.next
        } while token != nil
        return found
    }

    /// Calls a function with each item of a table.
    ///
    /// - Parameters:
    ///   - table: The name of the table.
    ///   - pageCount: The most items of a page.
    ///   - body: Gets an item.
    /// - Throws: `CancellationError`, and the errors of the table and of `body`.
    func forEachItem(
        of table: String, pageCount: Int, _ body: (Item) async throws -> Void
    ) async throws {
        var token: PageToken?
        repeat {
            try _Concurrency.Task.checkCancellation()
            let page = try await self.items(
                scanning: table, limits: PageLimits(examined: pageCount), after: token,
                consistency: .consistent)
            for item in page.items { try await body(item) }
            token = page.next
        } while token != nil
    }
}
