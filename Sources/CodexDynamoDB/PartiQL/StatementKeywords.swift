/// The words that a statement can use as names only in double quotes, in any case of letters.
///
/// Source: the reserved words of SQL-92 and of PartiQL's specification. The list was compared with
/// the answers of the service in github.com/paritysuite/dynamodb-conformance (partiqlGrammar).
enum StatementKeywords {
    /// All keywords, in lowercase.
    static let all = words(
        """
        absolute action add all allocate alter and any are as asc assertion at authorization avg
        bag begin between bit bit_length blob bool boolean by cascade cascaded case cast catalog
        char char_length character character_length check clob close coalesce collate collation
        column commit conflict connect connection constraint constraints continue convert
        corresponding count create cross current current_date current_time current_timestamp
        current_user cursor date date_add date_diff deallocate dec decimal declare default
        deferrable deferred delete desc describe descriptor diagnostics disconnect distinct do
        domain double drop else end end-exec escape except exception exec execute exists external
        extract false fetch first float for foreign found from full get global go goto grant group
        having identity immediate in index indicator initially inner input insensitive insert int
        integer intersect interval into is isolation join key language last left let level like
        limit list local lower match max min missing modified module names national natural nchar
        new next no not nothing null nullif numeric octet_length of old on only open option or order
        outer output overlaps pad partial pivot position precision prepare preserve primary prior
        privileges procedure public read real references relative remove restrict returning revoke
        right rollback rows schema scroll section select session session_user set sexp size
        smallint some space sql sqlcode sqlerror sqlstate string struct substring sum symbol
        system_user table temporary then time timestamp to transaction translate translation trim
        true tuple union unique unknown unpivot update upper usage user using value values varchar
        varying view when whenever where with work write zone
        """)

    /// The keywords that name functions if a parenthesis follows.
    static let functions = words(
        """
        avg bit_length cast char_length character_length coalesce convert count date_add date_diff
        exists extract lower max min nullif octet_length position size substring sum translate trim
        upper
        """)

    /// The keywords that are operators.
    static let operators = words("and between escape except in intersect is like not or union")

    /// The names of types that can follow `IS`.
    static let types = words(
        """
        any bag bigint blob bool boolean char character clob date dec decimal double float int int2
        int4 int8 integer integer2 integer4 integer8 list missing null numeric real sexp smallint
        string struct symbol time timestamp tuple varchar
        """)

    private static func words(_ text: String) -> Set<String> {
        Set(text.split { $0 == " " || $0 == "\n" }.map { String($0) })
    }
}
