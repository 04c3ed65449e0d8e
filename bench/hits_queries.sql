-- Questions about the table of bench/hits.sql, one a line: what scripts/demo.sh asks, and what the other
-- benchmarks run where ClickBench's own queries are not at hand.
SELECT count(*) AS views, count(DISTINCT UserID) AS users, min(EventDate) AS first_day, max(EventDate) AS last_day FROM hits;
SELECT EventDate, count(*) AS views, count(DISTINCT UserID) AS users FROM hits GROUP BY EventDate ORDER BY EventDate LIMIT 7;
SELECT extract(hour FROM EventTime) AS hour, count(*) AS views, round(avg(ResponseEndTiming), 1) AS answer_ms FROM hits GROUP BY hour ORDER BY views DESC LIMIT 5;
SELECT CounterID, count(*) AS views, count(DISTINCT URL) AS pages FROM hits GROUP BY CounterID ORDER BY views DESC LIMIT 5;
SELECT SearchPhrase, count(*) AS searches, count(DISTINCT UserID) AS users FROM hits WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY searches DESC, SearchPhrase LIMIT 5;
SELECT MobilePhoneModel, count(*) AS views, round(avg(ResolutionWidth)) AS width FROM hits WHERE IsMobile = 1 AND MobilePhoneModel <> '' GROUP BY MobilePhoneModel ORDER BY views DESC LIMIT 5;
SELECT count(*) AS views, count(DISTINCT URL) AS pages FROM hits WHERE URL LIKE '%google%';
SELECT regexp_replace(Referer, '^https?://([^/]+)/.*$', '\1') AS site, count(*) AS visits FROM hits WHERE Referer <> '' GROUP BY site ORDER BY visits DESC, site LIMIT 5;
SELECT CASE WHEN ResolutionWidth < 800 THEN 'small' WHEN ResolutionWidth < 1500 THEN 'medium' ELSE 'large' END AS screen, count(*) AS views, count(DISTINCT RegionID) AS regions FROM hits GROUP BY screen ORDER BY views DESC;
SELECT UserID, RegionID, count(*) AS views, sum(IsRefresh) AS refreshes FROM hits GROUP BY UserID, RegionID HAVING count(*) > 20 ORDER BY views DESC, UserID LIMIT 5;
SELECT date_trunc('minute', EventTime) AS minute, count(*) AS views FROM hits WHERE EventDate BETWEEN '2013-07-14' AND '2013-07-15' AND IsRefresh = 0 GROUP BY minute ORDER BY views DESC, minute LIMIT 5;
SELECT EventTime, length(Title) AS letters, URL FROM hits WHERE Title LIKE '%Google%' ORDER BY EventTime, URL LIMIT 3;
