import Foundation
import Testing

/// ListStreams, page by page.
@Suite("Pages of streams")
struct StreamPagingTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let stream =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#

    /// The ARNs of each page.
    private func pages(
        _ service: SampleService, _ limit: Int, _ more: String = ""
    ) async throws -> [[String]] {
        var pages: [[String]] = []
        var start = ""
        while true {
            let page = try await service.ok(
                "ListStreams", #"{"Limit":\#(limit)\#(more)\#(start)}"#)
            let streams = try #require(page["Streams"] as? [Object])
            pages.append(streams.compactMap { $0["StreamArn"] as? String })
            guard let last = page["LastEvaluatedStreamArn"] as? String else { return pages }
            #expect(pages.last?.count == limit && pages.last?.last == last)
            start = #","ExclusiveStartStreamArn":"\#(last)""#
        }
    }

    @Test(
        "Pages are cut by the ARNs by which they are sorted, so no stream is lost",
        arguments: 1...5)
    func tables(limit: Int) async throws {
        let service = try SampleService()
        // As ARNs, they sort differently: a slash follows the name.
        let names = ["orders", "orders-eu", "orders.old", "orders_x", "quiet"]
        for name in names {
            try await service.ok(
                "CreateTable", JSON.table(name, more: name == "quiet" ? "" : Self.stream))
        }
        let arns = try await pages(service, limit).flatMap { $0 }
        let prefix = "arn:aws:dynamodb:us-east-1:000000000000:table/"
        let found = arns.compactMap { $0.dropFirst(prefix.count).split(separator: "/").first }
        #expect(found == ["orders-eu", "orders.old", "orders", "orders_x"])
        let whole = try await pages(service, 100)
        #expect(whole == [arns])
        let one = try await pages(service, limit, #","TableName":"orders""#)
        #expect(one == [arns.filter { $0.contains("/orders/") }])
    }

    @Test("Streams that ended have their place in the pages", arguments: 1...4)
    func former(limit: Int) async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", JSON.table("one", more: Self.stream))
        try await service.ok("CreateTable", JSON.table("two", more: Self.stream))
        for isEnabled in [false, true] {
            service.advance(by: 1)
            let more = isEnabled ? #","StreamViewType":"KEYS_ONLY""# : ""
            let specification = #"{"StreamEnabled":\#(isEnabled)\#(more)}"#
            try await service.ok(
                "UpdateTable",
                #"{"TableName":"one","StreamSpecification":\#(specification)}"#)
        }
        try await service.ok("DeleteTable", #"{"TableName":"two"}"#)
        let arns = try await pages(service, limit).flatMap { $0 }
        #expect(arns.count == 3)
        #expect(arns.map { $0.contains("/one/") } == [true, true, false])
        #expect(arns == arns.sorted())
    }

    @Test(
        "A start that is no ARN of a stream is refused",
        arguments: ["x", "arn:aws:dynamodb:r:1:table/abc"])
    func start(arn: String) async throws {
        try await SampleService().refuses(
            Rule("ListStreams", #"{"ExclusiveStartStreamArn":"\#(arn)"}"#))
    }
}
