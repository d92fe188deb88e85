"""All operations of the server, in the order of the table."""

from batch_operations import batch_gets, batch_writes, transact_gets, transact_writes
from heads import heads, signatures
from item_operations import deletes, get_items, puts, updates
from page_operations import queries, scans
from shapes import Operation, junk
from table_operations import (
    create_tables, delete_tables, simple, streams, tags, time_to_live, update_tables)
from values import text


def everything():
    """Makes all of them."""
    table = dict(TableName=text("wide"))
    return [
        get_items(), puts(), updates(), deletes(), queries(), scans(), batch_gets(),
        batch_writes(), transact_gets(), transact_writes(), create_tables(),
        simple("DescribeTable", **table), update_tables(), delete_tables(),
        simple("ListTables", Limit=b"100"), time_to_live(),
        simple("DescribeTimeToLive", **table), *tags(), simple("DescribeLimits"),
        simple("DescribeEndpoints"), simple("DescribeContinuousBackups", **table), *streams(),
        Operation("UnknownOperation", junk(), weight=0.3), heads(), signatures()]
