import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// The architecture document's PRD and analytics, which it keeps as documents, through the models.
@Suite("The architecture document's documents")
struct SeedDocumentTests {
    @Test("A PRD's JSON comes out of the model as it went in")
    func prd() throws {
        let json = #"""
            {"projectId": "456", "version": 1, "title": "CodexFlow MVP Requirements",
             "content": {"overview": "...", "objectives": ["..."],
              "requirements": {"functional": ["..."], "nonFunctional": ["..."]},
              "userStories": [{"id": "US-001", "description": "As a user...",
               "acceptanceCriteria": ["..."]}]},
             "aiGenerated": true, "approvalStatus": "approved", "createdBy": "USER#123",
             "createdAt": "2025-11-05T00:00:00.000Z", "updatedAt": "2025-11-05T00:00:00.000Z"}
            """#
        let document = try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
        // A document of a collection of its own needs no name among others.
        var item = document
        item["prdId"] = "mvp"
        let prd = try CodexFlow.PRD(item: item)
        #expect(prd.createdBy == "123" && prd.isAIGenerated == true)
        #expect(prd.content?.userStories.first?.id == "US-001")
        try prd.validate()
        try expectEqual(try prd.item(), document)
    }

    @Test("A day's analytics come out of the model as they went in")
    func analytics() throws {
        let json = #"""
            {"projectId": "456", "date": "2025-11-05",
             "metrics": {"tasksCompleted": 5, "velocity": 8.5, "teamEfficiency": 0.87},
             "teamStats": [{"userId": "123", "tasksCompleted": 3, "hoursLogged": 24}]}
            """#
        let document = try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
        let day = try CodexFlow.Analytics(item: document)
        #expect(day.metrics.tasksCompleted == 5 && day.teamStats.first?.hoursLogged == 24)
        try expectEqual(try day.item(), document)
    }

    /// All that the document has is in the item, as it was, and in the store too.
    private func expectEqual(_ item: Item, _ document: Item) throws {
        for element in document { #expect(item[element.name] == element.value, "\(element.name)") }
        let temporary = try TemporaryStore()
        try temporary.store.write { _ = try $0.put(item, in: CodexFlow.table) }
        let key = PrimaryKey(item["PK"] ?? "", item["SK"])
        #expect(try temporary.store.item(in: CodexFlow.table, key: key) == item)
    }
}
