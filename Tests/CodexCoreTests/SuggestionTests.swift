import CodexCore
import Testing

/// What a misspelled name was meant to be.
@Suite("Suggestions")
struct SuggestionTests {
    private static let names = ["siteID", "plannedOn", "status", "customerName", "e_mail", "id"]

    @Test(
        "Another spelling, or one edit, finds the name",
        arguments: [
            ("siteId", "siteID"), ("siteid", "siteID"), ("SiteID", "siteID"),
            ("site_id", "siteID"), ("SITE-ID", "siteID"), ("sitID", "siteID"),
            ("siteIDs", "siteID"), ("stiteID", "siteID"), ("stauts", "status"),
            ("planned_on", "plannedOn"), ("PLANNEDON", "plannedOn"), ("email", "e_mail"),
            ("CUSTOMER_NAME", "customerName"), ("customer name", "customerName"), ("ID", "id"),
            ("total", nil), ("", nil), ("ix", nil), ("#", nil),
        ])
    func similar(name: String, meant: String?) {
        #expect(Suggestion.name(like: name, in: Self.names) == meant)
        let found = Suggestion.name(like: name) { Self.names.contains($0) }
        #expect(found == meant)
    }

    @Test("A long name of a list may have two mistakes")
    func twoMistakes() {
        #expect(Suggestion.name(like: "custmerNam", in: Self.names) == "customerName")
        #expect(Suggestion.name(like: "statsu", in: ["state", "status"]) == "status")
        #expect(Suggestion.name(like: "status", in: ["status"]) == nil)
        #expect(Suggestion.name(like: "status", in: []) == nil)
    }

    @Test("The work is bounded, for any name")
    func bounded() {
        for name in [
            String(repeating: "aB", count: 32), String(repeating: "é", count: 32),
            String(repeating: "x", count: 64), String(repeating: "x", count: 65),
            String(repeating: "a_", count: 5000), "\u{1}\u{301}\u{200D}",
        ] {
            var callCount = 0
            let found = Suggestion.name(like: name) { _ in
                callCount += 1
                return false
            }
            #expect(found == nil)
            #expect(callCount < 10_000)
            #expect(Suggestion.name(like: name, in: Self.names) == nil)
        }
    }

    @Test("A message ends with the suggestion, if there is one")
    func text() {
        #expect(Suggestion.text("siteID") == " Did you mean siteID?")
        #expect(Suggestion.text(nil).isEmpty)
    }
}
