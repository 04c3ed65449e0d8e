/* Dates, times and intervals: text forms, operators, fields, functions, time zones. */
#include "oracle_case.h"

#include "base/hash.h"
#include "type/numeric.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What people write as dates and times, right and wrong. */
static const oracle_case parse_cases[] = {
    {":date", {"date="}, "!22007 invalid input syntax for type date: \"\""},
    {":date", {"date=+2020-01-01"}, "!22009 time zone displacement out of range: \"+2020-01-01\""},
    {":date", {"date=0000-01-01"}, "!22008 date/time field value out of range: \"0000-01-01\""},
    {":date", {"date=0044-03-15 BC"}, "0044-03-15 BC"},
    {":date", {"date=0099-01-01 BC"}, "0099-01-01 BC"},
    {":date", {"date=01-02-2003 04:05"}, "2003-01-02"},
    {":date", {"date=08-Jan-1999"}, "1999-01-08"},
    {":date", {"date=1-1-1"}, "2001-01-01"},
    {":date", {"date=1/8/1999"}, "1999-01-08"},
    {":date", {"date=12/31/69"}, "2069-12-31"},
    {":date", {"date=120000101"}, "12000-01-01"},
    {":date", {"date=123456"}, "!22008 date/time field value out of range: \"123456\""},
    {":date", {"date=12345678"}, "!22008 date/time field value out of range: \"12345678\""},
    {":date", {"date=123456789"}, "!22008 date/time field value out of range: \"123456789\""},
    {":date", {"date=1890-01-01 00:00 Europe/Berlin"}, "1890-01-01"},
    {":date", {"date=1900-02-29"}, "!22008 date/time field value out of range: \"1900-02-29\""},
    {":date", {"date=1999-01-08"}, "1999-01-08"},
    {":date", {"date=1999-01-08 04:05:06"}, "1999-01-08"},
    {":date", {"date=19990108"}, "1999-01-08"},
    {":date", {"date=20-01-01"}, "!22008 date/time field value out of range: \"20-01-01\""},
    {":date", {"date=2000-02-29"}, "2000-02-29"},
    {":date", {"date=2001.02.03"}, "2001-02-03"},
    {":date", {"date=2001/2-3"}, "!22007 invalid input syntax for type date: \"2001/2-3\""},
    {":date", {"date=2010-07-01 01:30 MSD"}, "2010-07-01"},
    {":date", {"date=2014-10-26 01:30 Europe/Moscow"}, "2014-10-26"},
    {":date", {"date=2020"}, "!22007 invalid input syntax for type date: \"2020\""},
    {":date", {"date=2020-01-01 +25"}, "!22009 time zone displacement out of range: \"2020-01-01 +25\""},
    {":date", {"date=2020-01-01 00:00 +15301"}, "!22009 time zone displacement out of range: \"2020-01-01 00:00 +15301\""},
    {":date", {"date=2020-01-01 101112"}, "2020-01-01"},
    {":date", {"date=2020-01-01 101112.5"}, "2020-01-01"},
    {":date", {"date=2020-01-01 10:00:00 (foo)"}, "!22007 invalid input syntax for type date: \"2020-01-01 10:00:00 (foo)\""},
    {":date", {"date=2020-01-01 10:00:00 UTC+3"}, "2020-01-01"},
    {":date", {"date=2020-01-01 10:11.5"}, "2020-01-01"},
    {":date", {"date=2020-01-01 10:11:12 MET DST"}, "2020-01-01"},
    {":date", {"date=2020-01-01 10:11:12 PDT"}, "2020-01-01"},
    {":date", {"date=2020-01-01 10:11:12.9999999"}, "2020-01-01"},
    {":date", {"date=2020-01-01 12:00 am"}, "2020-01-01"},
    {":date", {"date=2020-01-01 12:00:00 Asia/Kolkata"}, "2020-01-01"},
    {":date", {"date=2020-01-01 2021-01-01"}, "!22007 invalid input syntax for type date: \"2020-01-01 2021-01-01\""},
    {":date", {"date=2020-01-01 23:59:59.9999999"}, "2020-01-01"},
    {":date", {"date=2020-01-01 24:00:00"}, "2020-01-01"},
    {":date", {"date=2020-01-01 Europe/Berlin"}, "2020-01-01"},
    {":date", {"date=2020-01-01 No/Where"}, "!22023 time zone \"no/where\" not recognized"},
    {":date", {"date=2020-01-01 at 10:00"}, "2020-01-01"},
    {":date", {"date=2020-01-01 foo"}, "!22007 invalid input syntax for type date: \"2020-01-01 foo\""},
    {":date", {"date=2020-01-01 infinity"}, "infinity"},
    {":date", {"date=2020-01-01 utc"}, "2020-01-01"},
    {":date", {"date=2020-01-01T10:11"}, "2020-01-01"},
    {":date", {"date=2020-01-01Tfoo"}, "!22007 invalid input syntax for type date: \"2020-01-01Tfoo\""},
    {":date", {"date=2020-06-01 12:00 Europe/Berlin"}, "2020-06-01"},
    {":date", {"date=2020/Jan/05"}, "2020-01-05"},
    {":date", {"date=20200101 256199"}, "2020-01-01"},
    {":date", {"date=2022-01-01 0:0 posix/Europe/Berlin"}, "2022-01-01"},
    {":date", {"date=294276-12-31 23:59:59.999999"}, "294276-12-31"},
    {":date", {"date=4714-11-23 23:59:59 BC"}, "!22008 date out of range: \"4714-11-23 23:59:59 BC\""},
    {":date", {"date=4714-11-23 BC"}, "!22008 date out of range: \"4714-11-23 BC\""},
    {":date", {"date=4714-11-24 BC"}, "4714-11-24 BC"},
    {":date", {"date=5874897-12-31"}, "5874897-12-31"},
    {":date", {"date=8 Jan 1999"}, "1999-01-08"},
    {":date", {"date=990108"}, "1999-01-08"},
    {":date", {"date=99999999999-01-01"}, "!22008 date/time field value out of range: \"99999999999-01-01\""},
    {":date", {"date=J0"}, "4714-11-24 BC"},
    {":date", {"date=J2451187"}, "1999-01-08"},
    {":date", {"date=Jan 8, 1999"}, "1999-01-08"},
    {":date", {"date=January 8, 99 BC"}, "0099-01-08 BC"},
    {":date", {"date=infinity 2020"}, "infinity"},
    {":date", {"date=j -1"}, "!22007 invalid input syntax for type date: \"j -1\""},
    {":date", {"date=jd 2451187.5"}, "1999-01-08"},
    {":date", {"date=monday"}, "!22007 invalid input syntax for type date: \"monday\""},
    {":date", {"date=now now"}, "!22007 invalid input syntax for type date: \"now now\""},
    {":date", {"date=nowx"}, "!22007 invalid input syntax for type date: \"nowx\""},
    {":time", {"time="}, "!22007 invalid input syntax for type time: \"\""},
    {":time", {"time=-infinity"}, "!22007 invalid input syntax for type time: \"-infinity\""},
    {":time", {"time=0000-01-01"}, "!22007 invalid input syntax for type time: \"0000-01-01\""},
    {":time", {"time=040506-08"}, "04:05:06"},
    {":time", {"time=04:05"}, "04:05:00"},
    {":time", {"time=04:05 Jan 5 2020"}, "!22007 invalid input syntax for type time: \"04:05 Jan 5 2020\""},
    {":time", {"time=04:05 PM"}, "16:05:00"},
    {":time", {"time=04:05:06 UTC"}, "04:05:06"},
    {":time", {"time=04:05:06-08:00"}, "04:05:06"},
    {":time", {"time=08-Jan-1999"}, "!22007 invalid input syntax for type time: \"08-Jan-1999\""},
    {":time", {"time=1.5"}, "!22007 invalid input syntax for type time: \"1.5\""},
    {":time", {"time=1/8/1999"}, "!22007 invalid input syntax for type time: \"1/8/1999\""},
    {":time", {"time=10.5"}, "!22007 invalid input syntax for type time: \"10.5\""},
    {":time", {"time=10000"}, "!22007 invalid input syntax for type time: \"10000\""},
    {":time", {"time=100000"}, "10:00:00"},
    {":time", {"time=12/31/69"}, "!22007 invalid input syntax for type time: \"12/31/69\""},
    {":time", {"time=1234"}, "12:34:00"},
    {":time", {"time=12:00 pm"}, "12:00:00"},
    {":time", {"time=18/1/1999"}, "!22007 invalid input syntax for type time: \"18/1/1999\""},
    {":time", {"time=1890-01-01 00:00 Europe/Berlin"}, "00:00:00"},
    {":time", {"time=1980-07-01 01:30 MSK"}, "01:30:00"},
    {":time", {"time=1999 Jan 8"}, "!22007 invalid input syntax for type time: \"1999 Jan 8\""},
    {":time", {"time=1999-01-08"}, "!22007 invalid input syntax for type time: \"1999-01-08\""},
    {":time", {"time=1999-01-08 04:05:06"}, "04:05:06"},
    {":time", {"time=2000-02-30"}, "!22007 invalid input syntax for type time: \"2000-02-30\""},
    {":time", {"time=2000.366"}, "20:00:00.366"},
    {":time", {"time=20000101"}, "!22007 invalid input syntax for type time: \"20000101\""},
    {":time", {"time=2001/02/03"}, "!22007 invalid input syntax for type time: \"2001/02/03\""},
    {":time", {"time=2001/2-3"}, "!22007 invalid input syntax for type time: \"2001/2-3\""},
    {":time", {"time=2014-10-26 01:30 MSK"}, "01:30:00"},
    {":time", {"time=2020-01-01 +25"}, "!22007 invalid input syntax for type time: \"2020-01-01 +25\""},
    {":time", {"time=2020-01-01 00:00 +15301"}, "!22009 time zone displacement out of range: \"2020-01-01 00:00 +15301\""},
    {":time", {"time=2020-01-01 00:00:00 +15:59:59"}, "00:00:00"},
    {":time", {"time=2020-01-01 10:10:60"}, "10:11:00"},
    {":time", {"time=2020-01-01 10:11.5"}, "00:10:11.5"},
    {":time", {"time=2020-01-01 10:11:12 DST"}, "!22007 invalid input syntax for type time: \"2020-01-01 10:11:12 DST\""},
    {":time", {"time=2020-01-01 10:11:12 z"}, "10:11:12"},
    {":time", {"time=2020-01-01 12:00 am"}, "00:00:00"},
    {":time", {"time=2020-01-01 1e5"}, "!22007 invalid input syntax for type time: \"2020-01-01 1e5\""},
    {":time", {"time=2020-01-01 23:59:59.9999999"}, "24:00:00"},
    {":time", {"time=2020-01-01 24:00:00"}, "24:00:00"},
    {":time", {"time=2020-01-01 BC AD"}, "!22007 invalid input syntax for type time: \"2020-01-01 BC AD\""},
    {":time", {"time=2020-01-01 MSK"}, "!22007 invalid input syntax for type time: \"2020-01-01 MSK\""},
    {":time", {"time=2020-01-01 allballs"}, "!22007 invalid input syntax for type time: \"2020-01-01 allballs\""},
    {":time", {"time=2020-01-01 at 10:00"}, "!22007 invalid input syntax for type time: \"2020-01-01 at 10:00\""},
    {":time", {"time=2020-01-01 infinity"}, "!22007 invalid input syntax for type time: \"2020-01-01 infinity\""},
    {":time", {"time=2020-01-01 utc"}, "!22007 invalid input syntax for type time: \"2020-01-01 utc\""},
    {":time", {"time=2020-06-01 12:00 Europe/Berlin"}, "12:00:00"},
    {":time", {"time=2020-1"}, "20:20:00"},
    {":time", {"time=2020/Jan/05"}, "!22007 invalid input syntax for type time: \"2020/Jan/05\""},
    {":time", {"time=2022-01-01 0:0 posix/Europe/Berlin"}, "00:00:00"},
    {":time", {"time=24:00"}, "24:00:00"},
    {":time", {"time=24:00:00"}, "24:00:00"},
    {":time", {"time=24:00:01"}, "!22008 date/time field value out of range: \"24:00:01\""},
    {":time", {"time=2500-07-01 00:00 America/New_York"}, "00:00:00"},
    {":time", {"time=4714-11-23 23:59:59 BC"}, "23:59:59"},
    {":time", {"time=4714-11-24 BC"}, "!22007 invalid input syntax for type time: \"4714-11-24 BC\""},
    {":time", {"time=5874897-12-31"}, "!22007 invalid input syntax for type time: \"5874897-12-31\""},
    {":time", {"time=8 Jan 1999"}, "!22007 invalid input syntax for type time: \"8 Jan 1999\""},
    {":time", {"time=990108"}, "!22008 date/time field value out of range: \"990108\""},
    {":time", {"time=J2451187"}, "!22007 invalid input syntax for type time: \"J2451187\""},
    {":time", {"time=Jan-08-1999"}, "!22023 time zone \"jan-08-1999\" not recognized"},
    {":time", {"time=January 8, 1999"}, "!22007 invalid input syntax for type time: \"January 8, 1999\""},
    {":time", {"time=infinity"}, "!22007 invalid input syntax for type time: \"infinity\""},
    {":time", {"time=j -1"}, "!22007 invalid input syntax for type time: \"j -1\""},
    {":time", {"time=nowx"}, "!22007 invalid input syntax for type time: \"nowx\""},
    {":time", {"time=on 2020-01-01"}, "!22007 invalid input syntax for type time: \"on 2020-01-01\""},
    {":time", {"time=y2001m02d04"}, "!22007 invalid input syntax for type time: \"y2001m02d04\""},
    {":timestamp", {"timestamp="}, "!22007 invalid input syntax for type timestamp: \"\""},
    {":timestamp", {"timestamp=  2020-01-01  "}, "2020-01-01 00:00:00"},
    {":timestamp", {"timestamp=-2020-01-01"}, "!22009 time zone displacement out of range: \"-2020-01-01\""},
    {":timestamp", {"timestamp=-infinity"}, "-infinity"},
    {":timestamp", {"timestamp=08-Jan-1999"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=08-Jan-99"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=1"}, "!22007 invalid input syntax for type timestamp: \"1\""},
    {":timestamp", {"timestamp=1.1.2001"}, "2001-01-01 00:00:00"},
    {":timestamp", {"timestamp=123"}, "!22007 invalid input syntax for type timestamp: \"123\""},
    {":timestamp", {"timestamp=1234"}, "!22007 invalid input syntax for type timestamp: \"1234\""},
    {":timestamp", {"timestamp=12345"}, "!22007 invalid input syntax for type timestamp: \"12345\""},
    {":timestamp", {"timestamp=123456"}, "!22008 date/time field value out of range: \"123456\""},
    {":timestamp", {"timestamp=12345678"}, "!22008 date/time field value out of range: \"12345678\""},
    {":timestamp", {"timestamp=1999 Jan 8"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=1999-01-08"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=1999-01-08T04:05:06+03"}, "1999-01-08 04:05:06"},
    {":timestamp", {"timestamp=19990108"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=2000-366"}, "2000-12-31 00:00:00"},
    {":timestamp", {"timestamp=2001-366"}, "2002-01-01 00:00:00"},
    {":timestamp", {"timestamp=2001.02.03"}, "2001-02-03 00:00:00"},
    {":timestamp", {"timestamp=2001/02/03"}, "2001-02-03 00:00:00"},
    {":timestamp", {"timestamp=2010-07-01 01:30 MSK"}, "2010-07-01 01:30:00"},
    {":timestamp", {"timestamp=2014-10-26 01:30 Europe/Moscow"}, "2014-10-26 01:30:00"},
    {":timestamp", {"timestamp=2020-00-10"}, "!22008 date/time field value out of range: \"2020-00-10\""},
    {":timestamp", {"timestamp=2020-01-01 00:00:00.0000005"}, "2020-01-01 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01 00:00:00.000001"}, "2020-01-01 00:00:00.000001"},
    {":timestamp", {"timestamp=2020-01-01 09:05:03."}, "2020-01-01 09:05:03"},
    {":timestamp", {"timestamp=2020-01-01 101112-05"}, "2020-01-01 10:11:12"},
    {":timestamp", {"timestamp=2020-01-01 10:00 11:00"}, "!22007 invalid input syntax for type timestamp: \"2020-01-01 10:00 11:00\""},
    {":timestamp", {"timestamp=2020-01-01 10:00 pm"}, "2020-01-01 22:00:00"},
    {":timestamp", {"timestamp=2020-01-01 10:00:00 <+03>-3"}, "!22007 invalid input syntax for type timestamp: \"2020-01-01 10:00:00 <+03>-3\""},
    {":timestamp", {"timestamp=2020-01-01 10:00:00 UTC+3"}, "2020-01-01 10:00:00"},
    {":timestamp", {"timestamp=2020-01-01 10:10:60"}, "2020-01-01 10:11:00"},
    {":timestamp", {"timestamp=2020-01-01 10:11.5"}, "2020-01-01 00:10:11.5"},
    {":timestamp", {"timestamp=2020-01-01 10:11:12.1234567"}, "2020-01-01 10:11:12.123457"},
    {":timestamp", {"timestamp=2020-01-01 10:11:12.9999999"}, "2020-01-01 10:11:13"},
    {":timestamp", {"timestamp=2020-01-01 12:00 am"}, "2020-01-01 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01 13:00 pm"}, "!22008 date/time field value out of range: \"2020-01-01 13:00 pm\""},
    {":timestamp", {"timestamp=2020-01-01 23:59:59.9999999"}, "2020-01-02 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01 24:00:00"}, "2020-01-02 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01 BC AD"}, "!22007 invalid input syntax for type timestamp: \"2020-01-01 BC AD\""},
    {":timestamp", {"timestamp=2020-01-01 allballs"}, "2020-01-01 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01 at 10:00"}, "2020-01-01 10:00:00"},
    {":timestamp", {"timestamp=2020-01-01 infinity"}, "infinity"},
    {":timestamp", {"timestamp=2020-01-01 utc"}, "2020-01-01 00:00:00"},
    {":timestamp", {"timestamp=2020-01-01T1011"}, "2020-01-01 10:11:00"},
    {":timestamp", {"timestamp=2020-Q1"}, "!22007 invalid input syntax for type timestamp: \"2020-Q1\""},
    {":timestamp", {"timestamp=2021-10-31 02:30 Europe/Berlin"}, "2021-10-31 02:30:00"},
    {":timestamp", {"timestamp=2022-01-01 0:0 posix/Europe/Berlin"}, "2022-01-01 00:00:00"},
    {":timestamp", {"timestamp=2500-07-01 00:00 America/New_York"}, "2500-07-01 00:00:00"},
    {":timestamp", {"timestamp=294276-12-31 23:59:59.999999"}, "294276-12-31 23:59:59.999999"},
    {":timestamp", {"timestamp=294277-01-01"}, "!22008 timestamp out of range: \"294277-01-01\""},
    {":timestamp", {"timestamp=8 Jan 1999"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=Infinity"}, "infinity"},
    {":timestamp", {"timestamp=J2451187"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=Jan-08-1999"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=January 8, 1999"}, "1999-01-08 00:00:00"},
    {":timestamp", {"timestamp=a"}, "!22007 invalid input syntax for type timestamp: \"a\""},
    {":timestamp", {"timestamp=allballs"}, "!22007 invalid input syntax for type timestamp: \"allballs\""},
    {":timestamp", {"timestamp=epoch"}, "1970-01-01 00:00:00"},
    {":timestamp", {"timestamp=infinity"}, "infinity"},
    {":timestamp", {"timestamp=jd 2451187.5"}, "1999-01-08 12:00:00"},
    {":timestamp", {"timestamp=monday"}, "!22007 invalid input syntax for type timestamp: \"monday\""},
    {":timestamp", {"timestamp=now now"}, "!22007 invalid input syntax for type timestamp: \"now now\""},
    {":timestamptz", {"timestamptz=  2020-01-01  "}, "2020-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=+2020-01-01"}, "!22009 time zone displacement out of range: \"+2020-01-01\""},
    {":timestamptz", {"timestamptz=0000-01-01"}, "!22008 date/time field value out of range: \"0000-01-01\""},
    {":timestamptz", {"timestamptz=0099-01-01 BC"}, "0099-01-01 00:00:00+00 BC"},
    {":timestamptz", {"timestamptz=1-1-1"}, "2001-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=100-1-1"}, "0100-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=12"}, "!22007 invalid input syntax for type timestamp with time zone: \"12\""},
    {":timestamptz", {"timestamptz=12/31/69"}, "2069-12-31 00:00:00+00"},
    {":timestamptz", {"timestamptz=120000101"}, "12000-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=123"}, "!22007 invalid input syntax for type timestamp with time zone: \"123\""},
    {":timestamptz", {"timestamptz=1234"}, "!22007 invalid input syntax for type timestamp with time zone: \"1234\""},
    {":timestamptz", {"timestamptz=1234567"}, "!22008 date/time field value out of range: \"1234567\""},
    {":timestamptz", {"timestamptz=18/1/1999"}, "!22008 date/time field value out of range: \"18/1/1999\""},
    {":timestamptz", {"timestamptz=1890-01-01 00:00 Europe/Berlin"}, "1889-12-31 23:06:32+00"},
    {":timestamptz", {"timestamptz=1900-02-29"}, "!22008 date/time field value out of range: \"1900-02-29\""},
    {":timestamptz", {"timestamptz=1999 Jan 8"}, "1999-01-08 00:00:00+00"},
    {":timestamptz", {"timestamptz=1999-01-08T04:05:06Z"}, "1999-01-08 04:05:06+00"},
    {":timestamptz", {"timestamptz=2000-13-01"}, "!22008 date/time field value out of range: \"2000-13-01\""},
    {":timestamptz", {"timestamptz=2001-02-29"}, "!22008 date/time field value out of range: \"2001-02-29\""},
    {":timestamptz", {"timestamptz=2001-366"}, "2002-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=2010-07-01 01:30 MSK"}, "2010-06-30 22:30:00+00"},
    {":timestamptz", {"timestamptz=2014-10-26 01:30 Europe/Moscow"}, "2014-10-25 22:30:00+00"},
    {":timestamptz", {"timestamptz=2014-10-26 01:30 MSK"}, "2014-10-25 22:30:00+00"},
    {":timestamptz", {"timestamptz=2020"}, "!22007 invalid input syntax for type timestamp with time zone: \"2020\""},
    {":timestamptz", {"timestamptz=2020,01,05"}, "2020-01-05 00:00:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 00:00 +1530"}, "2019-12-31 08:30:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 00:00:00 +15:59:59"}, "2019-12-31 08:00:01+00"},
    {":timestamptz", {"timestamptz=2020-01-01 00:00:00 -15:60"}, "!22009 time zone displacement out of range: \"2020-01-01 00:00:00 -15:60\""},
    {":timestamptz", {"timestamptz=2020-01-01 00:00:00.0000005"}, "2020-01-01 00:00:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 1011"}, "2020-01-01 10:11:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 101112-05"}, "2020-01-01 15:11:12+00"},
    {":timestamptz", {"timestamptz=2020-01-01 10:00 pm"}, "2020-01-01 22:00:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 10:00:00 UTC+3"}, "2020-01-01 13:00:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 10:11:12 z"}, "2020-01-01 10:11:12+00"},
    {":timestamptz", {"timestamptz=2020-01-01 10h"}, "!22007 invalid input syntax for type timestamp with time zone: \"2020-01-01 10h\""},
    {":timestamptz", {"timestamptz=2020-01-01 12:00:00 Asia/Kolkata"}, "2020-01-01 06:30:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 13:00 pm"}, "!22008 date/time field value out of range: \"2020-01-01 13:00 pm\""},
    {":timestamptz", {"timestamptz=2020-01-01 24:00:00"}, "2020-01-02 00:00:00+00"},
    {":timestamptz", {"timestamptz=2020-01-01 24:00:01"}, "!22008 date/time field value out of range: \"2020-01-01 24:00:01\""},
    {":timestamptz", {"timestamptz=2020-01-01 :05"}, "!22007 invalid input syntax for type timestamp with time zone: \"2020-01-01 :05\""},
    {":timestamptz", {"timestamptz=2020-01-01 infinity"}, "infinity"},
    {":timestamptz", {"timestamptz=2020-01-01T10:11"}, "2020-01-01 10:11:00+00"},
    {":timestamptz", {"timestamptz=2020/Jan/05"}, "2020-01-05 00:00:00+00"},
    {":timestamptz", {"timestamptz=20200101T101112"}, "2020-01-01 10:11:12+00"},
    {":timestamptz", {"timestamptz=2021-03-28 02:30 Europe/Berlin"}, "2021-03-28 01:30:00+00"},
    {":timestamptz", {"timestamptz=2021-10-31 02:30 Europe/Berlin"}, "2021-10-31 01:30:00+00"},
    {":timestamptz", {"timestamptz=4714-11-23 23:59:59 BC"}, "!22008 timestamp out of range: \"4714-11-23 23:59:59 BC\""},
    {":timestamptz", {"timestamptz=4714-11-24 BC"}, "4714-11-24 00:00:00+00 BC"},
    {":timestamptz", {"timestamptz=5874898-01-01"}, "!22008 timestamp out of range: \"5874898-01-01\""},
    {":timestamptz", {"timestamptz=9999999999"}, "!22008 date/time field value out of range: \"9999999999\""},
    {":timestamptz", {"timestamptz=Infinity"}, "infinity"},
    {":timestamptz", {"timestamptz=Jan Feb 2020"}, "!22007 invalid input syntax for type timestamp with time zone: \"Jan Feb 2020\""},
    {":timestamptz", {"timestamptz=Jan-08-1999"}, "1999-01-08 00:00:00+00"},
    {":timestamptz", {"timestamptz=Jan-08-99"}, "1999-01-08 00:00:00+00"},
    {":timestamptz", {"timestamptz=infinity"}, "infinity"},
    {":timestamptz", {"timestamptz=infinity 2020"}, "infinity"},
    {":timestamptz", {"timestamptz=j -1"}, "!22007 invalid input syntax for type timestamp with time zone: \"j -1\""},
    {":timestamptz", {"timestamptz=on 2020-01-01"}, "2020-01-01 00:00:00+00"},
};
static void test_parse(void **state)
{
    (void)state;
    oracle_check(parse_cases, COUNT(parse_cases));
}

/* Interval texts: traditional, SQL and ISO 8601. */
static const oracle_case interval_cases[] = {
    {":interval", {"interval="}, "!22007 invalid input syntax for type interval: \"\""},
    {":interval", {"interval=+1 day"}, "1 day"},
    {":interval", {"interval=+1-2"}, "1 year 2 mons"},
    {":interval", {"interval=+1:00"}, "01:00:00"},
    {":interval", {"interval=- 1 day"}, "-1 days"},
    {":interval", {"interval=-.5 days"}, "!22007 invalid input syntax for type interval: \"-.5 days\""},
    {":interval", {"interval=-00:00:01"}, "-00:00:01"},
    {":interval", {"interval=-0:30"}, "-00:30:00"},
    {":interval", {"interval=-1 day 2:00"}, "-1 days +02:00:00"},
    {":interval", {"interval=-1 week"}, "-7 days"},
    {":interval", {"interval=-1 year 13 months"}, "1 mon"},
    {":interval", {"interval=-1-2"}, "-1 years -2 mons"},
    {":interval", {"interval=-178956970 years -8 months"}, "-178956970 years -8 mons"},
    {":interval", {"interval=-1:2:3"}, "-01:02:03"},
    {":interval", {"interval=-24:00:00"}, "-24:00:00"},
    {":interval", {"interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {":interval", {"interval=-5"}, "-00:00:05"},
    {":interval", {"interval=-P1D"}, "!22007 invalid input syntax for type interval: \"-P1D\""},
    {":interval", {"interval=-infinity"}, "!22007 invalid input syntax for type interval: \"-infinity\""},
    {":interval", {"interval=.5 days"}, "12:00:00"},
    {":interval", {"interval=0"}, "00:00:00"},
    {":interval", {"interval=0 days"}, "00:00:00"},
    {":interval", {"interval=0.1 year"}, "1 mon"},
    {":interval", {"interval=0.5 month"}, "15 days"},
    {":interval", {"interval=0.9999999 days"}, "23:59:59.99136"},
    {":interval", {"interval=00:00:00.0000005"}, "00:00:00"},
    {":interval", {"interval=00:00:00.5"}, "00:00:00.5"},
    {":interval", {"interval=1 c"}, "100 years"},
    {":interval", {"interval=1 day"}, "1 day"},
    {":interval", {"interval=1 day -1:00"}, "1 day -01:00:00"},
    {":interval", {"interval=1 day -24:00:00"}, "1 day -24:00:00"},
    {":interval", {"interval=1 day 1 day"}, "!22007 invalid input syntax for type interval: \"1 day 1 day\""},
    {":interval", {"interval=1 day 1:00 ago"}, "-1 days -01:00:00"},
    {":interval", {"interval=1 day 2 hours"}, "1 day 02:00:00"},
    {":interval", {"interval=1 day 2 hours ago"}, "-1 days -02:00:00"},
    {":interval", {"interval=1 day day"}, "1 day"},
    {":interval", {"interval=1 day hour"}, "1 day"},
    {":interval", {"interval=1 day,2 hours"}, "1 day 02:00:00"},
    {":interval", {"interval=1 day; 2 hours"}, "1 day 02:00:00"},
    {":interval", {"interval=1 dec"}, "10 years"},
    {":interval", {"interval=1 decade"}, "10 years"},
    {":interval", {"interval=1 foo"}, "!22007 invalid input syntax for type interval: \"1 foo\""},
    {":interval", {"interval=1 hour 1:00"}, "!22007 invalid input syntax for type interval: \"1 hour 1:00\""},
    {":interval", {"interval=1 julian"}, "!22007 invalid input syntax for type interval: \"1 julian\""},
    {":interval", {"interval=1 microsecondxyz"}, "00:00:00.000001"},
    {":interval", {"interval=1 mil"}, "1000 years"},
    {":interval", {"interval=1 millennium"}, "1000 years"},
    {":interval", {"interval=1 millisecond"}, "00:00:00.001"},
    {":interval", {"interval=1 minute 1 second"}, "00:01:01"},
    {":interval", {"interval=1 mon"}, "1 mon"},
    {":interval", {"interval=1 month -30 days"}, "1 mon -30 days"},
    {":interval", {"interval=1 qtr"}, "!22007 invalid input syntax for type interval: \"1 qtr\""},
    {":interval", {"interval=1 second 1 ms"}, "00:00:01.001"},
    {":interval", {"interval=1 timezone"}, "!22007 invalid input syntax for type interval: \"1 timezone\""},
    {":interval", {"interval=1 tz"}, "!22007 invalid input syntax for type interval: \"1 tz\""},
    {":interval", {"interval=1 w"}, "7 days"},
    {":interval", {"interval=1 week 3 days"}, "10 days"},
    {":interval", {"interval=1 y 2 mon 3 d 4 h 5 m 6 s"}, "1 year 2 mons 3 days 04:05:06"},
    {":interval", {"interval=1 year -13 months"}, "-1 mons"},
    {":interval", {"interval=1 year 2 months 3 days 4 hours 5 minutes 6 seconds"}, "1 year 2 mons 3 days 04:05:06"},
    {":interval", {"interval=1 year ago 2 days"}, "-1 years -2 days"},
    {":interval", {"interval=1-13"}, "!22015 interval field value out of range: \"1-13\""},
    {":interval", {"interval=1-2"}, "1 year 2 mons"},
    {":interval", {"interval=1-2 3"}, "1 year 2 mons 00:00:03"},
    {":interval", {"interval=1-2 3 4:5:6"}, "1 year 2 mons 3 days 04:05:06"},
    {":interval", {"interval=1..5 days"}, "!22007 invalid input syntax for type interval: \"1..5 days\""},
    {":interval", {"interval=1.0000001 days"}, "1 day 00:00:00.00864"},
    {":interval", {"interval=1.0e3"}, "!22007 invalid input syntax for type interval: \"1.0e3\""},
    {":interval", {"interval=1.123456789 seconds"}, "00:00:01.123457"},
    {":interval", {"interval=1.5 centuries"}, "150 years"},
    {":interval", {"interval=1.5 days"}, "1 day 12:00:00"},
    {":interval", {"interval=1.5 hours"}, "01:30:00"},
    {":interval", {"interval=1.5 months"}, "1 mon 15 days"},
    {":interval", {"interval=1.5 seconds 1 ms"}, "!22007 invalid input syntax for type interval: \"1.5 seconds 1 ms\""},
    {":interval", {"interval=1.5 weeks"}, "10 days 12:00:00"},
    {":interval", {"interval=1.5 years"}, "1 year 6 mons"},
    {":interval", {"interval=1.7 minutes"}, "00:01:42"},
    {":interval", {"interval=100 microseconds"}, "00:00:00.0001"},
    {":interval", {"interval=100:00"}, "100:00:00"},
    {":interval", {"interval=12:00:00 1 hour"}, "!22007 invalid input syntax for type interval: \"12:00:00 1 hour\""},
    {":interval", {"interval=13 months"}, "1 year 1 mon"},
    {":interval", {"interval=178956970 years"}, "178956970 years"},
    {":interval", {"interval=178956970 years 7 months"}, "178956970 years 7 mons"},
    {":interval", {"interval=178956970 years 8 months"}, "!22008 interval out of range"},
    {":interval", {"interval=178956971 years"}, "!22008 interval out of range"},
    {":interval", {"interval=1:00:61"}, "!22015 interval field value out of range: \"1:00:61\""},
    {":interval", {"interval=1:2"}, "01:02:00"},
    {":interval", {"interval=1:2.5"}, "00:01:02.5"},
    {":interval", {"interval=1:2:3"}, "01:02:03"},
    {":interval", {"interval=1:60"}, "!22015 interval field value out of range: \"1:60\""},
    {":interval", {"interval=1e5 seconds"}, "!22007 invalid input syntax for type interval: \"1e5 seconds\""},
    {":interval", {"interval=1mon 2day"}, "1 mon 2 days"},
    {":interval", {"interval=1y2mon"}, "1 year 2 mons"},
    {":interval", {"interval=2 centuries"}, "200 years"},
    {":interval", {"interval=2 days 23:59:59.9999999"}, "2 days 24:00:00"},
    {":interval", {"interval=2147483647 days"}, "2147483647 days"},
    {":interval", {"interval=2147483647 months"}, "178956970 years 7 mons"},
    {":interval", {"interval=2147483648 days"}, "!22015 interval field value out of range: \"2147483648 days\""},
    {":interval", {"interval=24:00:00"}, "24:00:00"},
    {":interval", {"interval=2562047788:00:54.775807"}, "2562047788:00:54.775807"},
    {":interval", {"interval=2562047788:00:54.775808"}, "!22015 interval field value out of range: \"2562047788:00:54.775808\""},
    {":interval", {"interval=3 4"}, "!22007 invalid input syntax for type interval: \"3 4\""},
    {":interval", {"interval=3 4 hours"}, "3 days 04:00:00"},
    {":interval", {"interval=3 4:05:06"}, "3 days 04:05:06"},
    {":interval", {"interval=3 ms"}, "00:00:00.003"},
    {":interval", {"interval=365 days"}, "365 days"},
    {":interval", {"interval=4 us"}, "00:00:00.000004"},
    {":interval", {"interval=5"}, "00:00:05"},
    {":interval", {"interval=5 h"}, "05:00:00"},
    {":interval", {"interval=5.5"}, "00:00:05.5"},
    {":interval", {"interval=9223372036854775807 us"}, "2562047788:00:54.775807"},
    {":interval", {"interval=9223372036854775808 us"}, "!22015 interval field value out of range: \"9223372036854775808 us\""},
    {":interval", {"interval=99999999999 seconds"}, "27777777:46:39"},
    {":interval", {"interval=@ 1 day ago"}, "-1 days"},
    {":interval", {"interval=@ 1 minute"}, "00:01:00"},
    {":interval", {"interval=P"}, "!22007 invalid input syntax for type interval: \"P\""},
    {":interval", {"interval=P-1DT-1H"}, "-1 days -01:00:00"},
    {":interval", {"interval=P-1Y2M"}, "-10 mons"},
    {":interval", {"interval=P0.5M"}, "15 days"},
    {":interval", {"interval=P0001-02-03T04:05:06"}, "1 year 2 mons 3 days 04:05:06"},
    {":interval", {"interval=P1"}, "1 year"},
    {":interval", {"interval=P1-2-3"}, "1 year 2 mons 3 days"},
    {":interval", {"interval=P1.0Y1.0M1.0DT1.0H1.0M1.0S"}, "1 year 1 mon 1 day 01:01:01"},
    {":interval", {"interval=P1.3333Y"}, "1 year 4 mons"},
    {":interval", {"interval=P1.5Y"}, "1 year 6 mons"},
    {":interval", {"interval=P1D "}, "!22007 invalid input syntax for type interval: \"P1D \""},
    {":interval", {"interval=P1T"}, "1 year"},
    {":interval", {"interval=P1W"}, "7 days"},
    {":interval", {"interval=P1Y-2M"}, "10 mons"},
    {":interval", {"interval=P1Y1Y"}, "2 years"},
    {":interval", {"interval=P1Y2"}, "!22007 invalid input syntax for type interval: \"P1Y2\""},
    {":interval", {"interval=P1Y2M3DT4H5M6S"}, "1 year 2 mons 3 days 04:05:06"},
    {":interval", {"interval=P20200203"}, "2020 years 2 mons 3 days"},
    {":interval", {"interval=P20200203T040506"}, "2020 years 2 mons 3 days 04:05:06"},
    {":interval", {"interval=P99999999999999999Y"}, "!22015 interval field value out of range: \"P99999999999999999Y\""},
    {":interval", {"interval=PT"}, "00:00:00"},
    {":interval", {"interval=PT-1.5S"}, "-00:00:01.5"},
    {":interval", {"interval=PT040506"}, "04:05:06"},
    {":interval", {"interval=PT1.5S"}, "00:00:01.5"},
    {":interval", {"interval=PT10:11"}, "10:11:00"},
    {":interval", {"interval=PT10:11:12.5"}, "10:11:12.5"},
    {":interval", {"interval=PT10:11:12.5x"}, "!22007 invalid input syntax for type interval: \"PT10:11:12.5x\""},
    {":interval", {"interval=PT5"}, "05:00:00"},
    {":interval", {"interval=ago"}, "!22007 invalid input syntax for type interval: \"ago\""},
    {":interval", {"interval=day"}, "!22007 invalid input syntax for type interval: \"day\""},
    {":interval", {"interval=epoch"}, "!22007 invalid input syntax for type interval: \"epoch\""},
    {":interval", {"interval=foo"}, "!22007 invalid input syntax for type interval: \"foo\""},
    {":interval", {"interval=infinity"}, "!22007 invalid input syntax for type interval: \"infinity\""},
    {":interval", {"interval=p1d"}, "!22007 invalid input syntax for type interval: \"p1d\""},
};
static void test_interval(void **state)
{
    (void)state;
    oracle_check(interval_cases, COUNT(interval_cases));
}

/* Sums, differences and comparisons across types. */
static const oracle_case operators_cases[] = {
    {"*", {"float8=0", "interval=-178956970 years"}, "00:00:00"},
    {"*", {"float8=0.1", "interval=36 hours"}, "03:36:00"},
    {"*", {"float8=0.5", "interval=1 mon -30 days"}, "00:00:00"},
    {"*", {"float8=1", "interval=178956970 years 7 mons"}, "178956970 years 7 mons"},
    {"*", {"float8=180", "interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"*", {"float8=1e-10", "interval=1 mon"}, "00:00:00"},
    {"*", {"float8=2", "interval=-2147483648 days"}, "!22008 interval out of range"},
    {"*", {"float8=2.5", "interval=-178956970 years"}, "!22008 interval out of range"},
    {"*", {"float8=9.3e18", "interval=30 days"}, "!22008 interval out of range"},
    {"*", {"float8=Infinity", "interval=2147483647 days"}, "!22008 interval out of range"},
    {"*", {"float8=NaN", "interval=2147483647 days"}, "!22008 interval out of range"},
    {"*", {"interval=-178956970 years", "float8=2"}, "!22008 interval out of range"},
    {"*", {"interval=-2562047788:00:54.775808", "float8=0.5"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"*", {"interval=13 mons 45 days 49:00:00", "float8=0"}, "00:00:00"},
    {"*", {"interval=5 mons -3 days", "float8=-1"}, "-5 mons +3 days"},
    {"+", {"date=0044-03-15 BC", "int4=1"}, "0044-03-16 BC"},
    {"+", {"date=2020-02-29", "interval=1 mon"}, "2020-03-29 00:00:00"},
    {"+", {"date=5874897-12-31", "interval=2147483647 days"}, "!22008 date out of range for timestamp"},
    {"+", {"interval=-1 day", "date=0044-03-15 BC"}, "0044-03-14 00:00:00 BC"},
    {"+", {"interval=-1 day", "date=2021-03-31"}, "2021-03-30 00:00:00"},
    {"+", {"interval=-178956970 years", "date=2000-01-01"}, "!22008 timestamp out of range"},
    {"+", {"interval=-45 days 25:00:00", "timestamp=-infinity"}, "-infinity"},
    {"+", {"interval=0", "date=-infinity"}, "-infinity"},
    {"+", {"interval=10 years", "timestamp=-infinity"}, "-infinity"},
    {"+", {"interval=13 mons 45 days 49:00:00", "interval=1 year 2 mons 3 days 04:05:06.789"}, "2 years 3 mons 48 days 53:05:06.789"},
    {"+", {"interval=178956970 years 7 mons", "interval=10 years"}, "!22008 interval out of range"},
    {"+", {"interval=178956970 years 7 mons", "timestamptz=2020-02-29 12:34:56.789"}, "!22008 timestamp out of range"},
    {"+", {"timestamp=294276-12-31 23:59:59.999999", "interval=178956970 years 7 mons"}, "!22008 timestamp out of range"},
    {"+", {"timestamptz=294276-12-31 23:59:59.999999", "interval=1 day"}, "!22008 timestamp out of range"},
    {"+", {"timestamptz=4714-11-24 BC", "interval=-178956970 years"}, "!22008 timestamp out of range"},
    {"-", {"date=0044-03-15 BC", "int4=3"}, "0044-03-12 BC"},
    {"-", {"date=2000-01-01", "int4=1"}, "1999-12-31"},
    {"-", {"date=2020-02-29", "date=5874897-12-31"}, "-2145024584"},
    {"-", {"date=2021-03-31", "interval=178956970 years 7 mons"}, "!22008 timestamp out of range"},
    {"-", {"date=5874897-12-31", "interval=0"}, "!22008 date out of range for timestamp"},
    {"-", {"interval=1 day", "interval=10 years"}, "-10 years +1 day"},
    {"-", {"interval=10 years", "interval=13 mons 45 days 49:00:00"}, "8 years 11 mons -45 days -49:00:00"},
    {"-", {"interval=36 hours", "interval=36 hours"}, "00:00:00"},
    {"-", {"interval=5 mons -3 days", "interval=10 years"}, "-9 years -7 mons -3 days"},
    {"-", {"time=12:34:56.789", "interval=5 mons -3 days"}, "12:34:56.789"},
    {"-", {"time=12:34:56.789", "time=12:34:56.789"}, "00:00:00"},
    {"-", {"time=24:00", "time=12:34:56.789"}, "11:25:03.211"},
    {"-", {"timestamp=2000-01-01", "interval=5 mons -3 days"}, "1999-08-04 00:00:00"},
    {"-", {"timestamptz=1999-12-31 00:00:00.000001", "interval=00:00:00.000001"}, "1999-12-31 00:00:00+00"},
    {"-", {"timestamptz=1999-12-31 00:00:00.000001", "interval=2147483647 days"}, "!22008 timestamp out of range"},
    {"/", {"interval=-1 day", "float8=32767.5"}, "-00:00:02.636759"},
    {"/", {"interval=-1 year 5 days -00:00:01", "float8=NaN"}, "!22008 interval out of range"},
    {"/", {"interval=-2147483648 days", "float8=1e-10"}, "!22008 interval out of range"},
    {"/", {"interval=-2562047788:00:54.775808", "float8=60"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"/", {"interval=0", "float8=0"}, "!22012 division by zero"},
    {"/", {"interval=1 day", "float8=-1"}, "-1 days"},
    {"/", {"interval=1 mon", "float8=0"}, "!22012 division by zero"},
    {"/", {"interval=10 years", "float8=180"}, "20 days"},
    {"/", {"interval=13 mons 45 days 49:00:00", "float8=32767.5"}, "00:19:12.370337"},
    {"/", {"interval=2147483647 days", "float8=Infinity"}, "00:00:00"},
    {"/", {"interval=2562047788:00:54.775807", "float8=2.5"}, "1024819115:12:21.910528"},
    {"/", {"interval=2562047788:00:54.775807", "float8=5e-324"}, "!22008 interval out of range"},
    {"/", {"interval=36 hours", "float8=1e10"}, "00:00:00.000013"},
    {"/", {"interval=5 mons -3 days", "float8=2.5"}, "2 mons -1 days -04:48:00"},
    {"/", {"interval=5 mons -3 days", "float8=90"}, "1 day 15:12:00.0288"},
    {"<", {"date=infinity", "timestamptz=0044-03-15 01:02:03 BC"}, "f"},
    {"<", {"interval=-1 day", "interval=-1 year 5 days -00:00:01"}, "f"},
    {"<", {"interval=-178956970 years", "interval=2562047788:00:54.775807"}, "t"},
    {"<", {"interval=10 years", "interval=0"}, "f"},
    {"<", {"interval=178956970 years 7 mons", "interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"<", {"interval=30 days", "interval=1 mon"}, "f"},
    {"<", {"interval=36 hours", "interval=5 mons -3 days"}, "t"},
    {"<", {"interval=5 mons -3 days", "interval=-178956970 years"}, "f"},
    {"<", {"timestamp=0044-03-15 01:02:03 BC", "timestamp=2020-02-29 12:34:56.789"}, "t"},
    {"<", {"timestamp=2021-03-31 23:59:59", "date=5874897-12-31"}, "t"},
    {"<", {"timestamp=294276-12-31 23:59:59.999999", "date=-infinity"}, "f"},
    {"<", {"timestamp=294276-12-31 23:59:59.999999", "timestamp=infinity"}, "t"},
    {"<", {"timestamptz=2000-01-01", "date=infinity"}, "t"},
    {"<", {"timestamptz=2020-02-29 12:34:56.789", "date=5874897-12-31"}, "t"},
    {"<", {"timestamptz=4714-11-24 BC", "timestamptz=4714-11-24 BC"}, "f"},
    {"<=", {"date=2000-01-01", "date=5874897-12-31"}, "t"},
    {"<=", {"date=2020-02-29", "timestamp=0044-03-15 01:02:03 BC"}, "f"},
    {"<=", {"interval=-1 year 5 days -00:00:01", "interval=0"}, "t"},
    {"<=", {"interval=-178956970 years", "interval=10 years"}, "t"},
    {"<=", {"interval=-2147483648 days", "interval=-2147483648 days"}, "t"},
    {"<=", {"interval=1 year 2 mons 3 days 04:05:06.789", "interval=0"}, "f"},
    {"<=", {"interval=1 year 2 mons 3 days 04:05:06.789", "interval=36 hours"}, "f"},
    {"<=", {"interval=1 year 2 mons 3 days 04:05:06.789", "interval=5 mons -3 days"}, "f"},
    {"<=", {"interval=2147483647 days", "interval=5 mons -3 days"}, "f"},
    {"<=", {"timestamp=2000-01-01", "date=infinity"}, "t"},
    {"<=", {"timestamp=2020-02-29 12:34:56.789", "timestamptz=0044-03-15 01:02:03 BC"}, "f"},
    {"<=", {"timestamp=infinity", "date=2020-02-29"}, "f"},
    {"<=", {"timestamptz=2000-01-01", "timestamp=2020-02-29 12:34:56.789"}, "t"},
    {"<=", {"timestamptz=4714-11-24 BC", "timestamptz=1999-12-31 00:00:00.000001"}, "t"},
    {"<=", {"timestamptz=4714-11-24 BC", "timestamptz=294276-12-31 23:59:59.999999"}, "t"},
    {"<>", {"date=-infinity", "timestamptz=4714-11-24 BC"}, "t"},
    {"<>", {"date=4714-11-24 BC", "timestamp=2021-03-31 23:59:59"}, "t"},
    {"<>", {"date=4714-11-24 BC", "timestamptz=2021-03-31 23:59:59"}, "t"},
    {"<>", {"date=infinity", "date=1999-02-28"}, "t"},
    {"<>", {"interval=-1 year 5 days -00:00:01", "interval=30 days"}, "t"},
    {"<>", {"interval=-45 days 25:00:00", "interval=5 mons -3 days"}, "t"},
    {"<>", {"interval=2147483647 days", "interval=1 year 2 mons 3 days 04:05:06.789"}, "t"},
    {"<>", {"time=12:34:56.789", "time=12:34:56.789"}, "f"},
    {"<>", {"timestamp=-infinity", "timestamp=4714-11-24 BC"}, "t"},
    {"<>", {"timestamp=2020-02-29 12:34:56.789", "timestamptz=294276-12-31 23:59:59.999999"}, "t"},
    {"<>", {"timestamp=294276-12-31 23:59:59.999999", "timestamp=2021-03-31 23:59:59"}, "t"},
    {"<>", {"timestamp=infinity", "timestamp=1999-12-31 00:00:00.000001"}, "t"},
    {"<>", {"timestamptz=1999-12-31 00:00:00.000001", "timestamptz=4714-11-24 BC"}, "t"},
    {"<>", {"timestamptz=294276-12-31 23:59:59.999999", "timestamp=2020-02-29 12:34:56.789"}, "t"},
    {"<>", {"timestamptz=infinity", "timestamptz=infinity"}, "f"},
    {"=", {"date=-infinity", "timestamp=0044-03-15 01:02:03 BC"}, "f"},
    {"=", {"date=-infinity", "timestamptz=1999-12-31 00:00:00.000001"}, "f"},
    {"=", {"date=2020-02-29", "date=2000-01-01"}, "f"},
    {"=", {"interval=-2147483648 days", "interval=2147483647 days"}, "f"},
    {"=", {"interval=-2562047788:00:54.775808", "interval=13 mons 45 days 49:00:00"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"=", {"interval=13 mons 45 days 49:00:00", "interval=1 mon -30 days"}, "f"},
    {"=", {"interval=5 mons -3 days", "interval=-1 day"}, "f"},
    {"=", {"time=12:34:56.789", "time=23:59:59.999999"}, "f"},
    {"=", {"timestamp=-infinity", "timestamp=294276-12-31 23:59:59.999999"}, "f"},
    {"=", {"timestamp=-infinity", "timestamptz=2000-01-01"}, "f"},
    {"=", {"timestamp=2000-01-01", "date=2021-03-31"}, "f"},
    {"=", {"timestamp=2020-02-29 12:34:56.789", "timestamptz=2020-02-29 12:34:56.789"}, "t"},
    {"=", {"timestamp=2021-03-31 23:59:59", "timestamptz=2021-03-31 23:59:59"}, "t"},
    {"=", {"timestamp=4714-11-24 BC", "timestamptz=2020-02-29 12:34:56.789"}, "f"},
    {"=", {"timestamptz=294276-12-31 23:59:59.999999", "date=0044-03-15 BC"}, "f"},
    {">", {"date=1999-02-28", "timestamp=2021-03-31 23:59:59"}, "f"},
    {">", {"interval=-1 year 5 days -00:00:01", "interval=10 years"}, "f"},
    {">", {"interval=1 day", "interval=-2147483648 days"}, "t"},
    {">", {"interval=1 mon", "interval=2147483647 days"}, "f"},
    {">", {"interval=1 mon -30 days", "interval=30 days"}, "f"},
    {">", {"interval=10 years", "interval=36 hours"}, "t"},
    {">", {"interval=178956970 years 7 mons", "interval=1 year 2 mons 3 days 04:05:06.789"}, "t"},
    {">", {"interval=2562047788:00:54.775807", "interval=1 mon -30 days"}, "t"},
    {">", {"interval=5 mons -3 days", "interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {">", {"time=00:00", "time=24:00"}, "f"},
    {">", {"timestamp=1999-12-31 00:00:00.000001", "timestamptz=1999-12-31 00:00:00.000001"}, "f"},
    {">", {"timestamp=2020-02-29 12:34:56.789", "timestamptz=infinity"}, "f"},
    {">", {"timestamp=294276-12-31 23:59:59.999999", "timestamp=-infinity"}, "t"},
    {">", {"timestamptz=0044-03-15 01:02:03 BC", "date=2000-01-01"}, "f"},
    {">", {"timestamptz=294276-12-31 23:59:59.999999", "timestamp=294276-12-31 23:59:59.999999"}, "f"},
    {">=", {"date=0044-03-15 BC", "timestamp=1999-12-31 00:00:00.000001"}, "f"},
    {">=", {"date=1999-02-28", "date=2000-01-01"}, "f"},
    {">=", {"date=2021-03-31", "date=2020-02-29"}, "t"},
    {">=", {"interval=-1 year 5 days -00:00:01", "interval=10 years"}, "f"},
    {">=", {"interval=1 mon -30 days", "interval=00:00:00.000001"}, "f"},
    {">=", {"interval=30 days", "interval=-1 year 5 days -00:00:01"}, "t"},
    {">=", {"interval=30 days", "interval=30 days"}, "t"},
    {">=", {"timestamp=0044-03-15 01:02:03 BC", "timestamp=-infinity"}, "t"},
    {">=", {"timestamp=2020-02-29 12:34:56.789", "timestamp=2021-03-31 23:59:59"}, "f"},
    {">=", {"timestamp=2021-03-31 23:59:59", "timestamptz=infinity"}, "f"},
    {">=", {"timestamp=294276-12-31 23:59:59.999999", "date=1999-02-28"}, "t"},
    {">=", {"timestamp=294276-12-31 23:59:59.999999", "date=infinity"}, "f"},
    {">=", {"timestamptz=2000-01-01", "timestamptz=2000-01-01"}, "t"},
    {">=", {"timestamptz=294276-12-31 23:59:59.999999", "timestamp=2021-03-31 23:59:59"}, "t"},
    {">=", {"timestamptz=infinity", "timestamp=2000-01-01"}, "t"},
};
static void test_operators(void **state)
{
    (void)state;
    oracle_check(operators_cases, COUNT(operators_cases));
}

/* extract, date_part and date_trunc, with the limits of the calendar. */
static const oracle_case fields_cases[] = {
    {"date_part", {"text=century", "timestamptz=2000-01-01"}, "20"},
    {"date_part", {"text=century", "timestamptz=2020-02-29 12:34:56.789"}, "21"},
    {"date_part", {"text=d", "timestamptz=2020-02-29 12:34:56.789"}, "29"},
    {"date_part", {"text=dec", "date=2020-12-31"}, "202"},
    {"date_part", {"text=dec", "interval=1 mon -30 days"}, "0"},
    {"date_part", {"text=dec", "interval=5 mons -3 days"}, "0"},
    {"date_part", {"text=dec", "timestamptz=1583-11-12 13:14:15"}, "158"},
    {"date_part", {"text=dow", "timestamp=-infinity"}, "NULL"},
    {"date_part", {"text=doy", "date=0001-01-01"}, "1"},
    {"date_part", {"text=doy", "timestamptz=2021-03-31 23:59:59"}, "90"},
    {"date_part", {"text=epoch", "interval=00:00:00.000001"}, "1e-06"},
    {"date_part", {"text=epoch", "timestamp=0101-03-04 BC"}, "-65317536000"},
    {"date_part", {"text=foo", "date=-infinity"}, "!22023 unit \"foo\" not recognized for type timestamp without time zone"},
    {"date_part", {"text=h", "interval=-178956970 years"}, "0"},
    {"date_part", {"text=h", "timestamp=0100-01-01 BC"}, "0"},
    {"date_part", {"text=isodow", "timestamp=294276-12-31 23:59:59.999999"}, "7"},
    {"date_part", {"text=isodow", "timestamptz=0044-03-15 01:02:03 BC"}, "5"},
    {"date_part", {"text=isoyear", "interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"date_part", {"text=isoyear", "timestamptz=2026-12-28"}, "2026"},
    {"date_part", {"text=julian", "interval=-45 days 25:00:00"}, "!0A000 unit \"julian\" not supported for type interval"},
    {"date_part", {"text=julian", "timestamptz=1583-11-12 13:14:15"}, "2299554.5515625"},
    {"date_part", {"text=microseconds", "interval=-1 year 5 days -00:00:01"}, "-1000000"},
    {"date_part", {"text=microseconds", "interval=36 hours"}, "0"},
    {"date_part", {"text=microseconds", "timestamp=1583-11-12 13:14:15"}, "15000000"},
    {"date_part", {"text=milliseconds", "date=5874897-12-31"}, "!22008 date out of range for timestamp"},
    {"date_part", {"text=minute", "interval=2562047788:00:54.775807"}, "0"},
    {"date_part", {"text=month", "interval=1 year 2 mons 3 days 04:05:06.789"}, "2"},
    {"date_part", {"text=month", "timestamptz=0100-01-01 BC"}, "1"},
    {"date_part", {"text=now", "timestamptz=1001-05-06 07:08:09.123456"}, "!0A000 unit \"now\" not supported for type timestamp with time zone"},
    {"date_part", {"text=now", "timestamptz=4714-11-24 BC"}, "!0A000 unit \"now\" not supported for type timestamp with time zone"},
    {"date_part", {"text=qtr", "interval=-178956970 years"}, "1"},
    {"date_part", {"text=qtr", "timestamp=1583-11-12 13:14:15"}, "4"},
    {"date_part", {"text=qtr", "timestamp=2000-01-01"}, "1"},
    {"date_part", {"text=quarter", "interval=5 mons -3 days"}, "2"},
    {"date_part", {"text=quarter", "timestamp=0044-03-15 01:02:03 BC"}, "1"},
    {"date_part", {"text=quarter", "timestamp=1900-06-15 12:13:14.15"}, "2"},
    {"date_part", {"text=second", "interval=-1 year 5 days -00:00:01"}, "-1"},
    {"date_part", {"text=second", "timestamptz=1583-11-12 13:14:15"}, "15"},
    {"date_part", {"text=timezone", "date=5874897-12-31"}, "!22008 date out of range for timestamp"},
    {"date_part", {"text=timezone", "timestamp=1001-05-06 07:08:09.123456"}, "!0A000 unit \"timezone\" not supported for type timestamp without time zone"},
    {"date_part", {"text=timezone", "timestamptz=2000-12-31 23:59:59.5"}, "0"},
    {"date_part", {"text=timezone_hour", "date=2021-03-31"}, "!0A000 unit \"timezone_hour\" not supported for type timestamp without time zone"},
    {"date_part", {"text=timezone_hour", "time=24:00"}, "!0A000 unit \"timezone_hour\" not supported for type time without time zone"},
    {"date_part", {"text=timezone_minute", "date=2020-12-31"}, "!0A000 unit \"timezone_minute\" not supported for type timestamp without time zone"},
    {"date_part", {"text=timezone_minute", "timestamp=0101-03-04 BC"}, "!0A000 unit \"timezone_minute\" not supported for type timestamp without time zone"},
    {"date_part", {"text=timezone_minute", "timestamp=1583-11-12 13:14:15"}, "!0A000 unit \"timezone_minute\" not supported for type timestamp without time zone"},
    {"date_part", {"text=timezone_minute", "timestamptz=1999-12-31 00:00:00.000001"}, "0"},
    {"date_part", {"text=us", "interval=00:00:00.000001"}, "1"},
    {"date_part", {"text=us", "time=24:00"}, "0"},
    {"date_part", {"text=week", "timestamp=0001-01-01"}, "1"},
    {"date_trunc", {"text=DAY", "timestamptz=-infinity", "text=MSK"}, "-infinity"},
    {"date_trunc", {"text=Months", "timestamptz=4714-11-24 BC", "text=America/New_York"}, "!22008 timestamp out of range"},
    {"date_trunc", {"text=century", "interval=1 mon"}, "00:00:00"},
    {"date_trunc", {"text=century", "timestamptz=0044-03-15 01:02:03 BC"}, "0100-01-01 00:00:00+00 BC"},
    {"date_trunc", {"text=d", "timestamptz=0100-01-01 BC"}, "0100-01-01 00:00:00+00 BC"},
    {"date_trunc", {"text=decade", "timestamptz=1999-12-31 00:00:00.000001"}, "1990-01-01 00:00:00+00"},
    {"date_trunc", {"text=dow", "interval=10 years"}, "!22023 unit \"dow\" not recognized for type interval"},
    {"date_trunc", {"text=dow", "interval=178956970 years 7 mons"}, "!22023 unit \"dow\" not recognized for type interval"},
    {"date_trunc", {"text=dow", "timestamptz=294276-12-31 23:59:59.999999", "text=Foo/Bar"}, "!22023 time zone \"Foo/Bar\" not recognized"},
    {"date_trunc", {"text=doy", "timestamp=0101-03-04 BC"}, "!22023 unit \"doy\" not recognized for type timestamp without time zone"},
    {"date_trunc", {"text=epoch", "timestamptz=2000-01-01", "text=America/New_York"}, "!22023 unit \"epoch\" not recognized for type timestamp with time zone"},
    {"date_trunc", {"text=foo", "timestamptz=294276-12-31 23:59:59.999999", "text=EST"}, "!22023 unit \"foo\" not recognized for type timestamp with time zone"},
    {"date_trunc", {"text=h", "interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"date_trunc", {"text=h", "timestamp=1001-05-06 07:08:09.123456"}, "1001-05-06 07:00:00"},
    {"date_trunc", {"text=h", "timestamptz=0001-01-01"}, "0001-01-01 00:00:00+00"},
    {"date_trunc", {"text=h", "timestamptz=294276-12-31 23:59:59.999999", "text=EST"}, "294276-12-31 23:00:00+00"},
    {"date_trunc", {"text=h", "timestamptz=4714-11-24 BC", "text=MSK"}, "!22008 timestamp out of range"},
    {"date_trunc", {"text=hour", "timestamptz=2001-01-01"}, "2001-01-01 00:00:00+00"},
    {"date_trunc", {"text=isodow", "interval=00:00:00.000001"}, "!22023 unit \"isodow\" not recognized for type interval"},
    {"date_trunc", {"text=isodow", "interval=1 day"}, "!22023 unit \"isodow\" not recognized for type interval"},
    {"date_trunc", {"text=isodow", "timestamptz=4714-11-24 BC", "text=Foo/Bar"}, "!22023 time zone \"Foo/Bar\" not recognized"},
    {"date_trunc", {"text=isoyear", "timestamptz=2000-12-31 23:59:59.5"}, "!22023 unit \"isoyear\" not recognized for type timestamp with time zone"},
    {"date_trunc", {"text=isoyear", "timestamptz=infinity", "text=America/New_York"}, "infinity"},
    {"date_trunc", {"text=julian", "interval=0"}, "!22023 unit \"julian\" not recognized for type interval"},
    {"date_trunc", {"text=julian", "timestamptz=2020-02-29 12:34:56.789", "text=utc"}, "!22023 unit \"julian\" not recognized for type timestamp with time zone"},
    {"date_trunc", {"text=microseconds", "timestamp=1001-05-06 07:08:09.123456"}, "1001-05-06 07:08:09.123456"},
    {"date_trunc", {"text=microseconds", "timestamptz=2021-03-31 23:59:59"}, "2021-03-31 23:59:59+00"},
    {"date_trunc", {"text=millennium", "timestamptz=infinity", "text=MSK"}, "infinity"},
    {"date_trunc", {"text=milliseconds", "interval=1 mon"}, "1 mon"},
    {"date_trunc", {"text=milliseconds", "timestamptz=0001-01-01"}, "0001-01-01 00:00:00+00"},
    {"date_trunc", {"text=milliseconds", "timestamptz=1583-11-12 13:14:15"}, "1583-11-12 13:14:15+00"},
    {"date_trunc", {"text=milliseconds", "timestamptz=2020-02-29 12:34:56.789", "text=Foo/Bar"}, "!22023 time zone \"Foo/Bar\" not recognized"},
    {"date_trunc", {"text=minute", "timestamptz=2000-01-01", "text=Foo/Bar"}, "!22023 time zone \"Foo/Bar\" not recognized"},
    {"date_trunc", {"text=minute", "timestamptz=4714-11-24 BC"}, "4714-11-24 00:00:00+00 BC"},
    {"date_trunc", {"text=month", "timestamptz=2000-01-01", "text=America/New_York"}, "1999-12-01 05:00:00+00"},
    {"date_trunc", {"text=qtr", "timestamp=2026-12-28"}, "2026-10-01 00:00:00"},
    {"date_trunc", {"text=qtr", "timestamptz=0101-03-04 BC"}, "0101-01-01 00:00:00+00 BC"},
    {"date_trunc", {"text=quarter", "interval=-1 day"}, "00:00:00"},
    {"date_trunc", {"text=second", "interval=5 mons -3 days"}, "5 mons -3 days"},
    {"date_trunc", {"text=timezone", "timestamp=2000-12-31 23:59:59.5"}, "!0A000 unit \"timezone\" not supported for type timestamp without time zone"},
    {"date_trunc", {"text=timezone", "timestamptz=-infinity", "text=MSK"}, "-infinity"},
    {"date_trunc", {"text=timezone", "timestamptz=4714-11-24 BC", "text=Foo/Bar"}, "!22023 time zone \"Foo/Bar\" not recognized"},
    {"date_trunc", {"text=timezone_hour", "timestamptz=-infinity", "text=America/New_York"}, "-infinity"},
    {"date_trunc", {"text=timezone_minute", "timestamptz=2000-01-01", "text=MSK"}, "!0A000 unit \"timezone_minute\" not supported for type timestamp with time zone"},
    {"date_trunc", {"text=timezone_minute", "timestamptz=4714-11-24 BC", "text=utc"}, "!0A000 unit \"timezone_minute\" not supported for type timestamp with time zone"},
    {"date_trunc", {"text=us", "timestamptz=2001-01-01"}, "2001-01-01 00:00:00+00"},
    {"date_trunc", {"text=us", "timestamptz=infinity", "text=Asia/Kolkata"}, "infinity"},
    {"date_trunc", {"text=week", "timestamptz=-infinity", "text=Asia/Kolkata"}, "-infinity"},
    {"date_trunc", {"text=week", "timestamptz=-infinity", "text=MSK"}, "-infinity"},
    {"date_trunc", {"text=week", "timestamptz=infinity", "text=Asia/Kolkata"}, "infinity"},
    {"extract", {"text=DAY", "date=5874897-12-31"}, "31"},
    {"extract", {"text=DAY", "interval=5 mons -3 days"}, "-3"},
    {"extract", {"text=DAY", "timestamp=0100-01-01 BC"}, "1"},
    {"extract", {"text=Months", "timestamp=1001-05-06 07:08:09.123456"}, "5"},
    {"extract", {"text=century", "interval=-2147483648 days"}, "0"},
    {"extract", {"text=century", "timestamp=0001-12-31 BC"}, "-1"},
    {"extract", {"text=century", "timestamptz=2026-12-28"}, "21"},
    {"extract", {"text=d", "timestamptz=2020-02-29 12:34:56.789"}, "29"},
    {"extract", {"text=dec", "interval=-1 day"}, "0"},
    {"extract", {"text=dec", "interval=-2147483648 days"}, "0"},
    {"extract", {"text=dec", "interval=30 days"}, "0"},
    {"extract", {"text=dec", "timestamp=0100-01-01 BC"}, "-10"},
    {"extract", {"text=dec", "timestamp=2020-02-29 12:34:56.789"}, "202"},
    {"extract", {"text=dec", "timestamptz=0044-03-15 01:02:03 BC"}, "-5"},
    {"extract", {"text=decade", "date=1970-01-01"}, "197"},
    {"extract", {"text=decade", "date=4714-11-24 BC"}, "-472"},
    {"extract", {"text=decade", "interval=36 hours"}, "0"},
    {"extract", {"text=dow", "timestamptz=2000-01-01"}, "6"},
    {"extract", {"text=doy", "timestamptz=infinity"}, "NULL"},
    {"extract", {"text=h", "date=2000-01-01"}, "!0A000 unit \"h\" not supported for type date"},
    {"extract", {"text=h", "interval=-2147483648 days"}, "0"},
    {"extract", {"text=hour", "timestamptz=2020-02-29 12:34:56.789"}, "12"},
    {"extract", {"text=isoyear", "timestamp=0101-03-04 BC"}, "-101"},
    {"extract", {"text=julian", "date=1999-02-28"}, "2451238"},
    {"extract", {"text=julian", "timestamptz=2001-01-01"}, "2451911.0000000000000000000000000000"},
    {"extract", {"text=microseconds", "date=2020-02-29"}, "!0A000 unit \"microseconds\" not supported for type date"},
    {"extract", {"text=microseconds", "timestamptz=2000-12-31 23:59:59.5"}, "59500000"},
    {"extract", {"text=millennium", "time=24:00"}, "!0A000 unit \"millennium\" not supported for type time without time zone"},
    {"extract", {"text=milliseconds", "timestamp=294276-12-31 23:59:59.999999"}, "59999.999"},
    {"extract", {"text=milliseconds", "timestamptz=0100-01-01 BC"}, "0.000"},
    {"extract", {"text=minute", "date=4714-11-24 BC"}, "!0A000 unit \"minute\" not supported for type date"},
    {"extract", {"text=minute", "timestamp=1583-11-12 13:14:15"}, "14"},
    {"extract", {"text=month", "timestamp=2001-01-01"}, "1"},
    {"extract", {"text=now", "timestamp=1001-05-06 07:08:09.123456"}, "!0A000 unit \"now\" not supported for type timestamp without time zone"},
    {"extract", {"text=qtr", "timestamp=2001-01-01"}, "1"},
    {"extract", {"text=quarter", "interval=2147483647 days"}, "1"},
    {"extract", {"text=quarter", "timestamp=0100-01-01 BC"}, "1"},
    {"extract", {"text=quarter", "timestamp=2020-02-29 12:34:56.789"}, "1"},
    {"extract", {"text=second", "timestamp=2021-03-31 23:59:59"}, "59.000000"},
    {"extract", {"text=timezone", "timestamp=1999-12-31 00:00:00.000001"}, "!0A000 unit \"timezone\" not supported for type timestamp without time zone"},
    {"extract", {"text=timezone", "timestamp=294276-12-31 23:59:59.999999"}, "!0A000 unit \"timezone\" not supported for type timestamp without time zone"},
    {"extract", {"text=timezone", "timestamptz=2020-02-29 12:34:56.789"}, "0"},
    {"extract", {"text=timezone_hour", "interval=00:00:00.000001"}, "!0A000 unit \"timezone_hour\" not supported for type interval"},
    {"extract", {"text=timezone_hour", "timestamp=2000-01-01"}, "!0A000 unit \"timezone_hour\" not supported for type timestamp without time zone"},
    {"extract", {"text=timezone_minute", "interval=2147483647 days"}, "!0A000 unit \"timezone_minute\" not supported for type interval"},
    {"extract", {"text=week", "timestamptz=0044-03-15 01:02:03 BC"}, "11"},
    {"extract", {"text=year", "date=infinity"}, "Infinity"},
    {"extract", {"text=year", "time=12:34:56.789"}, "!0A000 unit \"year\" not supported for type time without time zone"},
    {"extract", {"text=year", "timestamp=2000-12-31 23:59:59.5"}, "2000"},
    {"extract", {"text=year", "timestamptz=2001-01-01"}, "2001"},
};
static void test_fields(void **state)
{
    (void)state;
    oracle_check(fields_cases, COUNT(fields_cases));
}

/* Everything else. */
static const oracle_case functions_cases[] = {
    {"age", {"timestamp=0001-01-01", "timestamp=0001-12-31 BC"}, "1 day"},
    {"age", {"timestamp=2000-12-31 23:59:59.5", "timestamp=0001-01-01"}, "1999 years 11 mons 30 days 23:59:59.5"},
    {"age", {"timestamp=2021-03-31 23:59:59", "timestamp=2020-02-29 12:34:56.789"}, "1 year 1 mon 2 days 11:25:02.211"},
    {"age", {"timestamp=2026-12-28", "timestamp=1999-12-31 00:00:00.000001"}, "26 years 11 mons 27 days 23:59:59.999999"},
    {"age", {"timestamp=2026-12-28", "timestamp=2026-12-28"}, "00:00:00"},
    {"age", {"timestamptz=0101-03-04 BC", "timestamptz=1583-11-12 13:14:15"}, "-1683 years -8 mons -8 days -13:14:15"},
    {"age", {"timestamptz=1001-05-06 07:08:09.123456", "timestamptz=2020-02-29 12:34:56.789"}, "-1018 years -9 mons -23 days -05:26:47.665544"},
    {"age", {"timestamptz=1583-11-12 13:14:15", "timestamptz=0001-01-01"}, "1582 years 10 mons 11 days 13:14:15"},
    {"age", {"timestamptz=2000-12-31 23:59:59.5", "timestamptz=2000-12-31 23:59:59.5"}, "00:00:00"},
    {"age", {"timestamptz=2001-01-01", "timestamptz=2000-01-01"}, "1 year"},
    {"age", {"timestamptz=2020-02-29 12:34:56.789", "timestamptz=0100-01-01 BC"}, "2119 years 1 mon 28 days 12:34:56.789"},
    {"age", {"timestamptz=2027-01-03 10:00", "timestamptz=2020-02-29 12:34:56.789"}, "6 years 10 mons 2 days 21:25:03.211"},
    {"age", {"timestamptz=294276-12-31 23:59:59.999999", "timestamptz=0100-01-01 BC"}, "294375 years 11 mons 30 days 23:59:59.999999"},
    {"date", {"timestamp=0001-12-31 BC"}, "0001-12-31 BC"},
    {"date", {"timestamp=0101-03-04 BC"}, "0101-03-04 BC"},
    {"date", {"timestamp=1583-11-12 13:14:15"}, "1583-11-12"},
    {"date", {"timestamp=2000-01-01"}, "2000-01-01"},
    {"date", {"timestamp=2001-01-01"}, "2001-01-01"},
    {"date", {"timestamp=2026-12-28"}, "2026-12-28"},
    {"date", {"timestamp=infinity"}, "infinity"},
    {"date", {"timestamptz=0001-01-01"}, "0001-01-01"},
    {"date", {"timestamptz=0044-03-15 01:02:03 BC"}, "0044-03-15 BC"},
    {"date", {"timestamptz=0101-03-04 BC"}, "0101-03-04 BC"},
    {"date", {"timestamptz=1999-12-31 00:00:00.000001"}, "1999-12-31"},
    {"date", {"timestamptz=2000-01-01"}, "2000-01-01"},
    {"date_bin", {"interval=-2147483648 days", "timestamp=1999-01-01 12:34", "timestamp=infinity"}, "!22008 origin out of range"},
    {"date_bin", {"interval=0", "timestamp=1999-01-01 12:34", "timestamp=1990-05-05 05:05"}, "!22008 stride must be greater than zero"},
    {"date_bin", {"interval=1 day", "timestamp=1990-05-05 05:05", "timestamp=2001-01-01"}, "1990-05-05 00:00:00"},
    {"date_bin", {"interval=1 mon", "timestamp=1990-05-05 05:05", "timestamp=2001-01-01"}, "!0A000 timestamps cannot be binned into intervals containing months or years"},
    {"date_bin", {"interval=1 mon", "timestamp=1999-01-01 12:34", "timestamp=1990-05-05 05:05"}, "!0A000 timestamps cannot be binned into intervals containing months or years"},
    {"date_bin", {"interval=10 years", "timestamp=2020-02-29 12:34:56.789", "timestamp=2001-01-01"}, "!0A000 timestamps cannot be binned into intervals containing months or years"},
    {"date_bin", {"interval=178956970 years 7 mons", "timestamp=1999-01-01 12:34", "timestamp=2020-02-29 12:34:56.789"}, "!0A000 timestamps cannot be binned into intervals containing months or years"},
    {"date_bin", {"interval=178956970 years 7 mons", "timestamp=infinity", "timestamp=2001-01-01"}, "infinity"},
    {"date_bin", {"interval=2147483647 days", "timestamp=1999-01-01 12:34", "timestamp=2020-02-29 12:34:56.789"}, "!22008 interval out of range"},
    {"date_bin", {"interval=2147483647 days", "timestamp=infinity", "timestamp=2001-01-01"}, "infinity"},
    {"date_bin", {"interval=2562047788:00:54.775807", "timestamp=infinity", "timestamp=2001-01-01"}, "infinity"},
    {"date_bin", {"interval=36 hours", "timestamp=1990-05-05 05:05", "timestamp=2001-01-01"}, "1990-05-05 00:00:00"},
    {"date_bin", {"interval=5 mons -3 days", "timestamp=2020-02-29 12:34:56.789", "timestamp=2001-01-01"}, "!0A000 timestamps cannot be binned into intervals containing months or years"},
    {"interval", {"time=00:00"}, "00:00:00"},
    {"interval", {"time=12:34:56.789"}, "12:34:56.789"},
    {"interval", {"time=23:59:59.999999"}, "23:59:59.999999"},
    {"interval", {"time=24:00"}, "24:00:00"},
    {"isfinite", {"date=4714-11-24 BC"}, "t"},
    {"isfinite", {"interval=1 day"}, "t"},
    {"isfinite", {"interval=1 mon"}, "t"},
    {"isfinite", {"interval=1 mon -30 days"}, "t"},
    {"isfinite", {"interval=2562047788:00:54.775807"}, "t"},
    {"isfinite", {"interval=5 mons -3 days"}, "t"},
    {"isfinite", {"timestamp=2000-12-31 23:59:59.5"}, "t"},
    {"isfinite", {"timestamp=2001-01-01"}, "t"},
    {"isfinite", {"timestamp=2021-03-31 23:59:59"}, "t"},
    {"isfinite", {"timestamptz=-infinity"}, "f"},
    {"isfinite", {"timestamptz=1999-12-31 00:00:00.000001"}, "t"},
    {"isfinite", {"timestamptz=2026-12-28"}, "t"},
    {"isfinite", {"timestamptz=2027-01-03 10:00"}, "t"},
    {"justify_days", {"interval=-1 day"}, "-1 days"},
    {"justify_days", {"interval=-1 year 5 days -00:00:01"}, "-11 mons -25 days -00:00:01"},
    {"justify_days", {"interval=-2147483648 days"}, "-5965232 years -4 mons -8 days"},
    {"justify_days", {"interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"justify_days", {"interval=0"}, "00:00:00"},
    {"justify_days", {"interval=00:00:00.000001"}, "00:00:00.000001"},
    {"justify_days", {"interval=1 mon"}, "1 mon"},
    {"justify_days", {"interval=1 mon -30 days"}, "00:00:00"},
    {"justify_days", {"interval=1 year 2 mons 3 days 04:05:06.789"}, "1 year 2 mons 3 days 04:05:06.789"},
    {"justify_days", {"interval=2147483647 days"}, "5965232 years 4 mons 7 days"},
    {"justify_days", {"interval=2562047788:00:54.775807"}, "2562047788:00:54.775807"},
    {"justify_days", {"interval=30 days"}, "1 mon"},
    {"justify_days", {"interval=5 mons -3 days"}, "4 mons 27 days"},
    {"justify_hours", {"interval=-1 day"}, "-1 days"},
    {"justify_hours", {"interval=-1 year 5 days -00:00:01"}, "-1 years +4 days 23:59:59"},
    {"justify_hours", {"interval=-178956970 years"}, "-178956970 years"},
    {"justify_hours", {"interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"justify_hours", {"interval=0"}, "00:00:00"},
    {"justify_hours", {"interval=00:00:00.000001"}, "00:00:00.000001"},
    {"justify_hours", {"interval=1 mon -30 days"}, "1 mon -30 days"},
    {"justify_hours", {"interval=1 year 2 mons 3 days 04:05:06.789"}, "1 year 2 mons 3 days 04:05:06.789"},
    {"justify_hours", {"interval=13 mons 45 days 49:00:00"}, "1 year 1 mon 47 days 01:00:00"},
    {"justify_hours", {"interval=2147483647 days"}, "2147483647 days"},
    {"justify_hours", {"interval=30 days"}, "30 days"},
    {"justify_hours", {"interval=36 hours"}, "1 day 12:00:00"},
    {"justify_hours", {"interval=5 mons -3 days"}, "5 mons -3 days"},
    {"justify_interval", {"interval=-1 day"}, "-1 days"},
    {"justify_interval", {"interval=-178956970 years"}, "-178956970 years"},
    {"justify_interval", {"interval=-2147483648 days"}, "-5965232 years -4 mons -8 days"},
    {"justify_interval", {"interval=-2562047788:00:54.775808"}, "!22007 invalid input syntax for type interval: \"-2562047788:00:54.775808\""},
    {"justify_interval", {"interval=0"}, "00:00:00"},
    {"justify_interval", {"interval=00:00:00.000001"}, "00:00:00.000001"},
    {"justify_interval", {"interval=1 day"}, "1 day"},
    {"justify_interval", {"interval=1 mon"}, "1 mon"},
    {"justify_interval", {"interval=1 year 2 mons 3 days 04:05:06.789"}, "1 year 2 mons 3 days 04:05:06.789"},
    {"justify_interval", {"interval=178956970 years 7 mons"}, "178956970 years 7 mons"},
    {"justify_interval", {"interval=2147483647 days"}, "5965232 years 4 mons 7 days"},
    {"justify_interval", {"interval=30 days"}, "1 mon"},
    {"justify_interval", {"interval=36 hours"}, "1 day 12:00:00"},
    {"make_date", {"int4=-44", "int4=12", "int4=31"}, "0044-12-31 BC"},
    {"make_date", {"int4=-4714", "int4=11", "int4=23"}, "!22008 date out of range: -4713-11-23"},
    {"make_date", {"int4=-4714", "int4=2", "int4=29"}, "!22008 date field value out of range: -4713-02-29"},
    {"make_date", {"int4=-4714", "int4=2", "int4=30"}, "!22008 date field value out of range: -4713-02-30"},
    {"make_date", {"int4=0", "int4=1", "int4=0"}, "!22008 date field value out of range: 0-01-00"},
    {"make_date", {"int4=0", "int4=13", "int4=1"}, "!22008 date field value out of range: 0-13-01"},
    {"make_date", {"int4=0", "int4=2", "int4=29"}, "!22008 date field value out of range: 0-02-29"},
    {"make_date", {"int4=1", "int4=11", "int4=24"}, "0001-11-24"},
    {"make_date", {"int4=1", "int4=2", "int4=29"}, "!22008 date field value out of range: 1-02-29"},
    {"make_date", {"int4=5874897", "int4=13", "int4=1"}, "!22008 date field value out of range: 5874897-13-01"},
    {"make_date", {"int4=5874897", "int4=2", "int4=29"}, "!22008 date field value out of range: 5874897-02-29"},
    {"make_date", {"int4=5874898", "int4=12", "int4=31"}, "!22008 date out of range: 5874898-12-31"},
    {"make_interval", {"int4=-1", "int4=0", "int4=2", "int4=-3", "int4=100", "int4=-200", "float8=-3.25"}, "-1 years +11 days 96:39:56.75"},
    {"make_interval", {"int4=1"}, "1 year"},
    {"make_interval", {"int4=1", "int4=2"}, "1 year 2 mons"},
    {"make_interval", {"int4=1", "int4=2", "int4=3", "int4=4", "int4=5", "int4=6", "float8=7.5"}, "1 year 2 mons 25 days 05:06:07.5"},
    {"make_time", {"int4=-1", "int4=0", "float8=0"}, "!22008 time field value out of range: -1:00:00"},
    {"make_time", {"int4=0", "int4=0", "float8=0"}, "00:00:00"},
    {"make_time", {"int4=1", "int4=2", "float8=NaN"}, "!22008 time field value out of range: 1:02:NaN"},
    {"make_time", {"int4=12", "int4=0", "float8=60.5"}, "!22008 time field value out of range: 12:00:60.5"},
    {"make_time", {"int4=12", "int4=60", "float8=0"}, "!22008 time field value out of range: 12:60:00"},
    {"make_time", {"int4=24", "int4=0", "float8=0"}, "24:00:00"},
    {"make_time", {"int4=24", "int4=0", "float8=0.1"}, "!22008 time field value out of range: 24:00:0.1"},
    {"make_time", {"int4=7", "int4=8", "float8=9.25"}, "07:08:09.25"},
    {"make_timestamp", {"int4=-44", "int4=0", "int4=1", "int4=-1", "int4=0", "float8=0"}, "!22008 date field value out of range: -44-00-01"},
    {"make_timestamp", {"int4=-44", "int4=1", "int4=0", "int4=24", "int4=0", "float8=0"}, "!22008 date field value out of range: -44-01-00"},
    {"make_timestamp", {"int4=-44", "int4=13", "int4=1", "int4=12", "int4=0", "float8=60"}, "!22008 date field value out of range: -44-13-01"},
    {"make_timestamp", {"int4=-4714", "int4=2", "int4=30", "int4=24", "int4=0", "float8=0"}, "!22008 date field value out of range: -4714-02-30"},
    {"make_timestamp", {"int4=0", "int4=11", "int4=23", "int4=12", "int4=0", "float8=60.5"}, "!22008 date field value out of range: 0-11-23"},
    {"make_timestamp", {"int4=0", "int4=12", "int4=31", "int4=1", "int4=2", "float8=NaN"}, "!22008 date field value out of range: 0-12-31"},
    {"make_timestamp", {"int4=1", "int4=13", "int4=1", "int4=12", "int4=0", "float8=60"}, "!22008 date field value out of range: 1-13-01"},
    {"make_timestamp", {"int4=2020", "int4=1", "int4=0", "int4=12", "int4=60", "float8=0"}, "!22008 date field value out of range: 2020-01-00"},
    {"make_timestamp", {"int4=2020", "int4=11", "int4=24", "int4=24", "int4=0", "float8=0"}, "2020-11-25 00:00:00"},
    {"make_timestamp", {"int4=2020", "int4=2", "int4=30", "int4=12", "int4=0", "float8=60.5"}, "!22008 date field value out of range: 2020-02-30"},
    {"make_timestamp", {"int4=5874898", "int4=1", "int4=0", "int4=1", "int4=2", "float8=-1"}, "!22008 date field value out of range: 5874898-01-00"},
    {"make_timestamp", {"int4=5874898", "int4=13", "int4=1", "int4=1", "int4=2", "float8=-1"}, "!22008 date field value out of range: 5874898-13-01"},
    {"make_timestamptz", {"int4=-44", "int4=0", "int4=1", "int4=12", "int4=60", "float8=0", "text=Europe/Berlin"}, "!22008 date field value out of range: -44-00-01"},
    {"make_timestamptz", {"int4=-44", "int4=2", "int4=29", "int4=12", "int4=0", "float8=60"}, "!22008 date field value out of range: -44-02-29"},
    {"make_timestamptz", {"int4=-4714", "int4=13", "int4=1", "int4=1", "int4=2", "float8=-1", "text=Europe/Berlin"}, "!22008 date field value out of range: -4714-13-01"},
    {"make_timestamptz", {"int4=0", "int4=1", "int4=0", "int4=23", "int4=59", "float8=59.9999999"}, "!22008 date field value out of range: 0-01-00"},
    {"make_timestamptz", {"int4=0", "int4=11", "int4=24", "int4=12", "int4=60", "float8=0", "text=+16"}, "!22008 date field value out of range: 0-11-24"},
    {"make_timestamptz", {"int4=0", "int4=13", "int4=1", "int4=23", "int4=59", "float8=59.9999999", "text=3"}, "!22008 date field value out of range: 0-13-01"},
    {"make_timestamptz", {"int4=1", "int4=0", "int4=1", "int4=24", "int4=0", "float8=0.1", "text="}, "!22008 date field value out of range: 1-00-01"},
    {"make_timestamptz", {"int4=1", "int4=12", "int4=31", "int4=-1", "int4=0", "float8=0", "text="}, "!22008 time field value out of range: -1:00:00"},
    {"make_timestamptz", {"int4=2020", "int4=13", "int4=1", "int4=7", "int4=8", "float8=9.25", "text=Europe/Berlin"}, "!22008 date field value out of range: 2020-13-01"},
    {"make_timestamptz", {"int4=5874897", "int4=11", "int4=23", "int4=12", "int4=60", "float8=0", "text=3"}, "!22008 time field value out of range: 12:60:00"},
    {"make_timestamptz", {"int4=5874898", "int4=1", "int4=0", "int4=0", "int4=0", "float8=0", "text="}, "!22008 date field value out of range: 5874898-01-00"},
    {"make_timestamptz", {"int4=5874898", "int4=2", "int4=29", "int4=7", "int4=8", "float8=9.25", "text=MSK"}, "!22008 date field value out of range: 5874898-02-29"},
    {"overlaps", {"time=12:00", "interval=-1 hour", "time=12:00", "time=11:00"}, "t"},
    {"overlaps", {"timestamp=2000-01-03", "timestamp=2000-01-01", "timestamp=2000-01-03", "interval=-1 day"}, "t"},
    {"overlaps", {"timestamp", "interval=1 day", "timestamp=2000-01-02", "timestamp"}, "NULL"},
    {"overlaps", {"timestamp", "timestamp", "timestamp", "interval=0"}, "NULL"},
    {"overlaps", {"timestamp=infinity", "interval=-1 day", "timestamp", "timestamp=2000-01-01"}, "NULL"},
    {"overlaps", {"timestamp=infinity", "timestamp=2000-01-02", "timestamp=2000-01-02", "timestamp=2000-01-03"}, "t"},
    {"overlaps", {"timestamp=infinity", "timestamp", "timestamp=2000-01-03", "timestamp=2000-01-01"}, "NULL"},
    {"overlaps", {"timestamp=infinity", "timestamp=infinity", "timestamp=2000-01-03", "interval=0"}, "f"},
    {"overlaps", {"timestamp=infinity", "timestamp=infinity", "timestamp=infinity", "interval=1 day"}, "t"},
    {"overlaps", {"timestamptz=2000-01-01", "timestamptz=2000-01-03", "timestamptz=2000-01-01", "timestamptz=2000-01-02"}, "t"},
    {"overlaps", {"timestamptz", "timestamptz=2000-01-03", "timestamptz=2000-01-02", "interval=-1 day"}, "NULL"},
    {"overlaps", {"timestamptz", "timestamptz=2000-01-03", "timestamptz", "timestamptz=2000-01-03"}, "NULL"},
    {"time", {"interval=1 day"}, "00:00:00"},
    {"time", {"interval=1 mon"}, "00:00:00"},
    {"time", {"interval=2147483647 days"}, "00:00:00"},
    {"time", {"interval=5 mons -3 days"}, "00:00:00"},
    {"time", {"timestamp=0044-03-15 01:02:03 BC"}, "01:02:03"},
    {"time", {"timestamp=1001-05-06 07:08:09.123456"}, "07:08:09.123456"},
    {"time", {"timestamp=2021-03-31 23:59:59"}, "23:59:59"},
    {"time", {"timestamptz=0044-03-15 01:02:03 BC"}, "01:02:03"},
    {"time", {"timestamptz=1900-06-15 12:13:14.15"}, "12:13:14.15"},
    {"time", {"timestamptz=2001-01-01"}, "00:00:00"},
    {"time", {"timestamptz=2020-02-29 12:34:56.789"}, "12:34:56.789"},
    {"time", {"timestamptz=2026-12-28"}, "00:00:00"},
    {"time", {"timestamptz=4714-11-24 BC"}, "00:00:00"},
    {"timestamp", {"date=2000-01-01", "time=12:34:56.789"}, "2000-01-01 12:34:56.789"},
    {"timestamp", {"date=2020-02-29", "time=12:34:56.789"}, "2020-02-29 12:34:56.789"},
    {"timestamp", {"date=2020-02-29", "time=23:59:59.999999"}, "2020-02-29 23:59:59.999999"},
    {"timestamp", {"date=2021-03-31", "time=12:34:56.789"}, "2021-03-31 12:34:56.789"},
    {"timestamp", {"date=4714-11-24 BC", "time=00:00"}, "4714-11-24 00:00:00 BC"},
    {"timestamp", {"date=4714-11-24 BC", "time=24:00"}, "4714-11-25 00:00:00 BC"},
    {"timestamp", {"date=5874897-12-31"}, "!22008 date out of range for timestamp"},
    {"timestamp", {"date=5874897-12-31", "time=24:00"}, "!22008 date out of range for timestamp"},
    {"timestamp", {"date=infinity"}, "infinity"},
    {"timestamp", {"date=infinity", "time=00:00"}, "infinity"},
    {"timestamp", {"timestamptz=1999-12-31 00:00:00.000001"}, "1999-12-31 00:00:00.000001"},
    {"timestamp", {"timestamptz=294276-12-31 23:59:59.999999"}, "294276-12-31 23:59:59.999999"},
    {"timestamptz", {"date=-infinity"}, "-infinity"},
    {"timestamptz", {"date=0044-03-15 BC", "time=12:34:56.789"}, "0044-03-15 12:34:56.789+00 BC"},
    {"timestamptz", {"date=0044-03-15 BC", "time=23:59:59.999999"}, "0044-03-15 23:59:59.999999+00 BC"},
    {"timestamptz", {"date=1999-02-28", "time=12:34:56.789"}, "1999-02-28 12:34:56.789+00"},
    {"timestamptz", {"date=1999-02-28", "time=23:59:59.999999"}, "1999-02-28 23:59:59.999999+00"},
    {"timestamptz", {"date=2021-03-31"}, "2021-03-31 00:00:00+00"},
    {"timestamptz", {"date=2021-03-31", "time=00:00"}, "2021-03-31 00:00:00+00"},
    {"timestamptz", {"date=5874897-12-31", "time=12:34:56.789"}, "!22008 date out of range for timestamp"},
    {"timestamptz", {"timestamp=0044-03-15 01:02:03 BC"}, "0044-03-15 01:02:03+00 BC"},
    {"timestamptz", {"timestamp=2000-01-01"}, "2000-01-01 00:00:00+00"},
    {"timestamptz", {"timestamp=2026-12-28"}, "2026-12-28 00:00:00+00"},
    {"timestamptz", {"timestamp=infinity"}, "infinity"},
    {"timezone", {"interval=13 mons 45 days 49:00:00", "timestamptz=infinity"}, "infinity"},
    {"timezone", {"interval=2147483647 days", "timestamptz=1990-05-05 05:05"}, "!22023 interval time zone \"2147483647 days\" must not include months or days"},
    {"timezone", {"text=+3", "timestamp=2020-02-29 12:34:56.789"}, "2020-02-29 15:34:56.789+00"},
    {"timezone", {"text=+3", "timestamptz=0100-01-01 BC"}, "0101-12-31 21:00:00 BC"},
    {"timezone", {"text=-3", "timestamptz=0100-01-01 BC"}, "0100-01-01 03:00:00 BC"},
    {"timezone", {"text=Antarctica/Troll", "timestamptz=2400-02-29"}, "2400-02-29 00:00:00"},
    {"timezone", {"text=CET-1CEST", "timestamp=2000-01-01"}, "1999-12-31 23:00:00+00"},
    {"timezone", {"text=EST5EDT", "timestamp=2026-12-28"}, "2026-12-28 05:00:00+00"},
    {"timezone", {"text=MSD", "timestamptz=1001-05-06 07:08:09.123456"}, "1001-05-06 11:08:09.123456"},
    {"timezone", {"text=PST", "timestamptz=2021-10-31 02:30"}, "2021-10-30 18:30:00"},
    {"timezone", {"text=X0Y,60,300/25", "timestamp=0100-01-01 BC"}, "0100-01-01 00:00:00+00 BC"},
    {"timezone", {"text=X0Y,60,300/25", "timestamp=2050-07-01"}, "2050-06-30 23:00:00+00"},
    {"timezone", {"text=foo+3", "timestamp=2026-12-28"}, "2026-12-28 03:00:00+00"},
    {"to_timestamp", {"float8=-0.5"}, "1969-12-31 23:59:59.5+00"},
    {"to_timestamp", {"float8=-210866803200"}, "4714-11-24 00:00:00+00 BC"},
    {"to_timestamp", {"float8=-3"}, "1969-12-31 23:59:57+00"},
    {"to_timestamp", {"float8=0.1"}, "1970-01-01 00:00:00.1+00"},
    {"to_timestamp", {"float8=1e-10"}, "1970-01-01 00:00:00+00"},
    {"to_timestamp", {"float8=2"}, "1970-01-01 00:00:02+00"},
    {"to_timestamp", {"float8=2.5"}, "1970-01-01 00:00:02.5+00"},
    {"to_timestamp", {"float8=253402300799"}, "9999-12-31 23:59:59+00"},
    {"to_timestamp", {"float8=3.5"}, "1970-01-01 00:00:03.5+00"},
    {"to_timestamp", {"float8=32767.5"}, "1970-01-01 09:06:07.5+00"},
    {"to_timestamp", {"float8=90"}, "1970-01-01 00:01:30+00"},
    {"to_timestamp", {"float8=NaN"}, "!22008 timestamp cannot be NaN"},
};
static void test_functions(void **state)
{
    (void)state;
    oracle_check(functions_cases, COUNT(functions_cases));
}

/* The fast paths accept the canonical forms only, and agree with the general parser where they accept. */
static void test_fast_paths(void **state)
{
    static const char *const texts[] = {
        "2013-07-15", "2000-02-29", "1900-02-29", "0001-01-01", "9999-12-31", "0000-01-01", "2013-13-01",
        "2013-7-15", "2013/07/15", "2013-07-15 10:11:12", "2013-07-15T10:11:12", "2013-07-15 10:11:12.5",
        "2013-07-15 10:11:12.123456", "2013-07-15 10:11:12.1234567", "2013-07-15 24:00:00",
        "2013-07-15 10:11:60", "2013-07-15 10:11:12.", "2013-07-15 10:11", "2013-07-15 10:11:12+01", ""};
    static const bool date_fast[] = {1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const bool timestamp_fast[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        int32_t  day = 0;
        int64_t  t = 0;
        qn_datum slow;
        assert_int_equal(qn_date_parse_fast(texts[i], strlen(texts[i]), &day), date_fast[i]);
        assert_int_equal(qn_timestamp_parse_fast(texts[i], strlen(texts[i]), &t), timestamp_fast[i]);
        if (timestamp_fast[i]) {
            /* a type modifier keeps the general parser off its own fast path */
            assert_int_equal(qn_datetime_parse((qn_type){QN_TYPE_TIMESTAMP, 6}, texts[i], strlen(texts[i]), NULL, &slow, NULL), QN_OK);
            assert_int_equal(slow.i64, t);
        }
    }
}

/* Every day of eight hundred years goes to civil form and back, and its text parses to it. */
static void test_calendar_round_trip(void **state)
{
    (void)state;
    for (int64_t day = -146097; day <= 146097; day++) {
        int64_t year;
        int     month, dom;
        int32_t fast;
        char    text[16];
        qn_civil_from_days(day, &year, &month, &dom);
        assert_int_equal(qn_days_from_civil(year, month, dom), day);
        snprintf(text, sizeof text, "%04d-%02d-%02d", (int)year, month, dom);
        assert_true(qn_date_parse_fast(text, 10, &fast));
        assert_int_equal(fast, day);
    }
}

/* Berlin, last Sunday of March 2021: 02:30 does not exist and is read by the offset before the change;
 * last Sunday of October: 02:30 happens twice and is read by the offset after it. */
static void test_zone_transitions(void **state)
{
    const qn_timezone *zone = NULL;
    int64_t            utc;
    qn_datum           v;
    (void)state;
    assert_int_equal(qn_timezone_find(NULL, "europe/BERLIN", 13, &zone, NULL), QN_OK);
    if (!zone)
        skip(); /* no zone files on this machine */
    assert_string_equal(qn_timezone_name(zone), "Europe/Berlin");
    assert_int_equal(qn_datetime_parse(QN_TYPE(TIMESTAMP), "2021-03-28 02:30:00", 19, NULL, &v, NULL), QN_OK);
    assert_true(qn_timestamp_from_local(v.i64, zone, &utc));
    assert_int_equal(v.i64 - utc, 3600 * QN_USECS_PER_SEC);
    assert_int_equal(qn_datetime_parse(QN_TYPE(TIMESTAMP), "2021-10-31 02:30:00", 19, NULL, &v, NULL), QN_OK);
    assert_true(qn_timestamp_from_local(v.i64, zone, &utc));
    assert_int_equal(v.i64 - utc, 3600 * QN_USECS_PER_SEC);
    /* Beyond the table the rule goes on: summer of 2400. */
    assert_int_equal(qn_timezone_at(zone, INT64_C(13585968000)).offset, 7200);
}

/* Rules without files; names that are neither are unknown without being an error. */
static void test_zone_rules(void **state)
{
    const qn_timezone *zone = NULL;
    int32_t            offset = 0;
    (void)state;
    assert_int_equal(qn_timezone_find(NULL, "<+0330>-3:30", 12, &zone, NULL), QN_OK);
    assert_non_null(zone);
    assert_true(qn_timezone_fixed(zone, &offset));
    assert_int_equal(offset, 12600);
    assert_string_equal(qn_timezone_at(zone, 0).abbreviation, "+0330");
    assert_int_equal(qn_timezone_find(NULL, "Nowhere/Land", 12, &zone, NULL), QN_OK);
    assert_null(zone);
    assert_int_equal(qn_timezone_find(NULL, "../../etc/passwd", 16, &zone, NULL), QN_OK);
    assert_null(zone);
    assert_true(qn_timezone_fixed(NULL, &offset));
    assert_int_equal(offset, 0);
}

/* Many lanes at once: every unit of every type gives what single values give, errors included. */
enum { LANES = 600 };
static int64_t moment_at(uint64_t i)
{
    static const int64_t edges[] = {QN_TIMESTAMP_INFINITY, QN_TIMESTAMP_NEG_INFINITY, QN_TIMESTAMP_MIN,
                                    QN_TIMESTAMP_MIN + 1, QN_TIMESTAMP_END - 1, 0, -1, 1, QN_USECS_PER_DAY, -QN_USECS_PER_DAY,
                                    QN_TIMESTAMP_MIN + 2 * QN_USECS_PER_DAY, QN_TIMESTAMP_END - 2 * QN_USECS_PER_DAY};
    if (i % 5 == 0)
        return edges[i / 5 % COUNT(edges)];
    uint64_t r = qn_mix64(i * 77 + 1);
    if (i % 5 == 1) /* neighbours, as sorted values are */
        return (int64_t)(i * 13 * (uint64_t)QN_USECS_PER_HOUR + r % 1000);
    return (int64_t)(r % (uint64_t)(i % 5 == 2 ? 4000 * 366 * QN_USECS_PER_DAY : QN_TIMESTAMP_END - 1)) -
           (i % 5 == 3 ? QN_USECS_PER_DAY * 300000 : 0);
}

static void check_lanes(qn_arena *arena, qn_sql_type type, const char *unit, const void *values, const qn_timezone *zone)
{
    qn_bank     bank = qn_type_bank(type);
    qn_str      u = qn_str_of(unit, strlen(unit));
    qn_numeric  num[LANES];
    double      f64[LANES];
    int64_t     cut[LANES];
    uint64_t    nulls[LANES / 64 + 1] = {0}, part_nulls[LANES / 64 + 1] = {0};
    uint16_t    some[LANES];
    uint32_t    count = 0;
    bool        stamp = type == QN_TYPE_TIMESTAMP || type == QN_TYPE_TIMESTAMPTZ, zoned = type == QN_TYPE_TIMESTAMPTZ;
    qn_error    all_error = {.status = QN_OK}, one_error = {.status = QN_OK};
    for (uint16_t i = 0; i < LANES; i++)
        if (i % 7 != 3)
            some[count++] = i;
    qn_status st = qn_datetime_field_lanes(type, &u, values, false, some, count, zone, arena, num, NULL, nulls, &all_error);
    qn_status part_st = qn_datetime_field_lanes(type, &u, values, false, some, count, zone, arena, NULL, f64, part_nulls, NULL);
    qn_status cut_st = stamp ? qn_timestamp_trunc_lanes(&u, values, some, count, zoned, zone, cut, NULL) : QN_OK;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t   lane = some[k];
        qn_datum   v;
        qn_numeric one;
        double     part;
        bool       null, part_null, expected_null = nulls[lane / 64] >> lane % 64 & 1;
        qn_bank_get(bank, values, lane, &v);
        qn_status one_st = qn_datetime_extract(type, &u, &v, zone, arena, &one, &null, &one_error);
        if (one_st != QN_OK) { /* the first lane that fails alone fails them all, in the same words */
            assert_int_equal(st, one_st);
            assert_string_equal(all_error.message, one_error.message);
            assert_int_equal(part_st, QN_ERROR);
            break;
        }
        if (null != expected_null || (!null && qn_numeric_compare_stored(one, num[lane]) != 0))
            fail_msg("%s of %s, lane %u: %lld", unit, qn_type_name(type), lane, (long long)v.i64);
        assert_int_equal(qn_datetime_part(type, &u, &v, zone, &part, &part_null, NULL), QN_OK);
        assert_int_equal(part_nulls[lane / 64] >> lane % 64 & 1, part_null);
        if (!part_null && memcmp(&part, &f64[lane], sizeof part))
            fail_msg("part %s of %s, lane %u: %.17g, not %.17g", unit, qn_type_name(type), lane, f64[lane], part);
    }
    for (uint32_t k = 0; stamp && k < count; k++) {
        int64_t   t = ((const int64_t *)values)[some[k]], whole;
        qn_status one_st = zoned ? qn_timestamptz_trunc(&u, t, zone, &whole, NULL) : qn_timestamp_trunc(&u, t, &whole, NULL);
        if (one_st != QN_OK) {
            assert_int_equal(cut_st, one_st);
            return;
        }
        if (whole != cut[some[k]])
            fail_msg("date_trunc %s of %s, lane %u: %lld", unit, qn_type_name(type), some[k], (long long)t);
    }
    assert_int_equal(cut_st, QN_OK);
}

static void test_lanes(void **state)
{
    static const char *const units[] = {
        "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
        "century", "millennium", "isoyear", "dow", "isodow", "doy", "epoch", "julian", "timezone", "timezone_hour",
        "timezone_minute", "fortnight", "MINUTE", ""};
    static const char *const zones[] = {"UTC", "<+0545>-5:45", "Europe/Berlin"};
    static const qn_sql_type types[] = {QN_TYPE_DATE, QN_TYPE_TIME, QN_TYPE_TIMESTAMP, QN_TYPE_TIMESTAMPTZ, QN_TYPE_INTERVAL};
    qn_mem      mem;
    qn_arena    arena;
    int32_t     dates[LANES];
    int64_t     times[LANES], stamps[LANES], finite[LANES];
    qn_interval intervals[LANES];
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (uint64_t i = 0; i < LANES; i++) {
        int64_t t = moment_at(i);
        stamps[i] = t;
        finite[i] = qn_timestamp_finite(t) ? t : 5;
        times[i] = (int64_t)(qn_mix64(i) % (uint64_t)(QN_USECS_PER_DAY + 1));
        dates[i] = t == QN_TIMESTAMP_INFINITY       ? QN_DATE_INFINITY
                   : t == QN_TIMESTAMP_NEG_INFINITY ? QN_DATE_NEG_INFINITY
                                                    : (int32_t)(t / QN_USECS_PER_DAY);
        intervals[i] = (qn_interval){t / 1000, (int32_t)(t % 1000), (int32_t)(t % 77)};
    }
    times[0] = QN_USECS_PER_DAY; /* 24:00:00 */
    for (size_t u = 0; u < COUNT(units); u++)
        for (size_t k = 0; k < COUNT(types); k++)
            for (size_t z = 0; z < (types[k] == QN_TYPE_TIMESTAMPTZ ? COUNT(zones) : 1); z++) {
                const qn_timezone *zone = NULL;
                assert_int_equal(qn_timezone_find(NULL, zones[z], strlen(zones[z]), &zone, NULL), QN_OK);
                const void *values = types[k] == QN_TYPE_DATE       ? (const void *)dates
                                     : types[k] == QN_TYPE_TIME     ? (const void *)times
                                     : types[k] == QN_TYPE_INTERVAL ? (const void *)intervals
                                                                    : (const void *)stamps;
                check_lanes(&arena, types[k], units[u], values, z ? zone : NULL);
                if (values == stamps)
                    check_lanes(&arena, types[k], units[u], finite, z ? zone : NULL);
            }
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
}

static void test_memory(void **state)
{
    static const oracle_case cases[] = {
        {"extract", {"text=julian", "timestamp=2000-01-01 12:00:00"}, "2451545.50000000000000000000"},
        {"timezone", {"text=UTC", "timestamp=2000-01-01 12:00:00"}, "2000-01-01 12:00:00+00"}};
    (void)state;
    oracle_check_memory(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_fast_paths),
        cmocka_unit_test(test_calendar_round_trip),
        cmocka_unit_test(test_zone_transitions),
        cmocka_unit_test(test_zone_rules),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
