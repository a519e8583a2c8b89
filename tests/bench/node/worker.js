// A worker as one would write it with graphile-worker, ical-generator and nodemailer: each job gives a request to
// somebody who is free, writes the invitation, and mails it.
//
//     node worker.js PORT CAFILE SETTINGS
//
// The database is the one that PG* name. SETTINGS is JSON: {"jobs": at once, "connections": to the mail server,
// "batch": jobs fetched at once, and done ones forgotten together; 0 is one by one}. It runs until SIGTERM.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Logger, run } from 'graphile-worker';
import ical, { ICalAttendeeRole, ICalAttendeeStatus, ICalCalendarMethod, ICalEventBusyStatus, ICalEventClass,
	ICalEventStatus, ICalEventTransparency } from 'ical-generator';
import nodemailer from 'nodemailer';

const [port, caFile, settings] = process.argv.slice(2);
const { jobs, connections, batch } = JSON.parse(settings);
const DOMAIN = 'agency.example.org';
const NAME = 'Victim assistance scheduling';
const TOKEN_KEY = Buffer.alloc(32, 0x5e);
const HOURS_TRIED = 12;

const mailer = nodemailer.createTransport({
	host: 'localhost',
	port: Number(port),
	secure: true,
	tls: { ca: readFileSync(caFile), minVersion: 'TLSv1.2' },
	pool: true,
	maxConnections: connections,
	maxMessages: Infinity,
});

// One round trip, one transaction. A job that comes again finds what it stored; whoever was quicker with somebody's
// hour leaves us without a row, and we take the next hour.
const ASSIGN = {
	name: 'assign',
	text: `WITH wanted AS (
			SELECT request_id, office, language,
				tstzrange(window_from + make_interval(hours => $2), window_from + make_interval(hours => $2 + 1)) AS during
			FROM request WHERE request_id = $1),
		taken AS (
			INSERT INTO appointment (request_id, coordinator_id, during)
			SELECT w.request_id, free.coordinator_id, w.during
			FROM wanted w CROSS JOIN LATERAL (
				SELECT c.coordinator_id FROM coordinator c
				WHERE c.office = w.office AND w.language = ANY (c.languages) AND NOT EXISTS (
					SELECT FROM appointment a WHERE a.coordinator_id = c.coordinator_id AND a.during && w.during)
				ORDER BY random() LIMIT 1) free
			ON CONFLICT DO NOTHING
			RETURNING *),
		mine AS (
			SELECT * FROM taken UNION ALL SELECT * FROM appointment WHERE request_id = $1)
		SELECT m.uid, m.stored_at, lower(m.during) AS starts, upper(m.during) AS ends, r.case_code, r.language, c.name, c.mail,
			o.office, o.zone, o.telephone, o.place
		FROM mine m JOIN request r USING (request_id) JOIN coordinator c USING (coordinator_id)
			JOIN office o ON o.office = r.office`,
};

async function assign(withPgClient, request) {
	for (let hour = 0; hour < HOURS_TRIED; hour++) {
		const { rows } = await withPgClient((client) => client.query({ ...ASSIGN, values: [request, hour] }));
		if (rows.length > 0)
			return rows[0];
	}
	throw new Error(`nobody is free for request ${request}`);
}

// To make one takes a good deal longer than to use it.
const clocks = new Map();
function local(zone, time) {
	if (!clocks.has(zone)) {
		clocks.set(zone, new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short',
			year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' }));
	}
	return clocks.get(zone).format(time);
}

function describe(row) {
	const when = local(row.zone, row.starts);
	const answerBy = local(row.zone, new Date(row.stored_at.getTime() + 24 * 3600 * 1000));
	const token = createHmac('sha256', TOKEN_KEY).update(row.uid).digest('hex').slice(0, 32);
	return { ...row, when, answerBy, place: `${row.office} ${row.place}`, organizer: `vacd+${token}@${DOMAIN}`,
		title: `Case ${row.case_code}` };
}

function calendar(of) {
	return ical({
		prodId: '//bench//worker//EN',
		method: ICalCalendarMethod.REQUEST,
		events: [{
			id: of.uid, sequence: 0, stamp: of.stored_at, start: of.starts, end: of.ends,
			summary: of.title, location: of.place,
			description: `${of.title}, office ${of.office}, ${of.place}. ${of.when}. Answer by ${of.answerBy}; `
				+ `please send the response. Call ${of.telephone}.`,
			organizer: { name: NAME, email: of.organizer },
			attendees: [{ name: of.name, email: of.mail, role: ICalAttendeeRole.REQ, status: ICalAttendeeStatus.NEEDSACTION,
				rsvp: true }],
			status: ICalEventStatus.CONFIRMED, class: ICalEventClass.CONFIDENTIAL,
			transparency: ICalEventTransparency.OPAQUE, busystatus: ICalEventBusyStatus.BUSY,
			alarms: [{ type: 'display', trigger: 1800, description: of.title }],
		}],
	}).toString();
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => escapes[letter]);

function facts(of) {
	return [`When: ${of.when}`, `Office: ${of.office}`, `Place: ${of.place}`, 'Urgency: routine', `Language: ${of.language}`,
		`Answer by: ${of.answerBy}`, `Call: ${of.telephone}, day and night`];
}

const ASKED = ['Please accept or decline in your calendar, and send the response: an answer', 'that is not sent counts as none.'];
const link = (of, answer) => `mailto:${of.organizer}?subject=${answer}%20`;

function text(of) {
	return [`${of.name},`, '', `please see to the appointment for case ${of.case_code}.`, '', ...facts(of), '', ...ASKED, '',
		'If you see no buttons, please send the response by one of these links. Each', 'opens a mail that you have only to send.', '',
		`Accept:  <${link(of, 'accept')}>`, `Decline: <${link(of, 'decline')}>`, ''].join('\n');
}

function button(of, answer, title, colour) {
	return `<a href="${escaped(link(of, answer))}" style="display:inline-block;padding:10px 24px;margin:0 12px 8px 0;`
		+ `border-radius:4px;color:#ffffff;text-decoration:none;font-weight:bold;background-color:${colour}">${title}</a>`;
}

function html(of) {
	return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(of.title)}</title>
</head>
<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#1b1b1b;background-color:#ffffff">
<p>${escaped(of.name)},</p>
<p>please see to the appointment for case ${escaped(of.case_code)}.</p>
<p>${facts(of).map(escaped).join('<br>\n')}</p>
<p>${ASKED.map(escaped).join('<br>\n')}</p>
<p>
${button(of, 'accept', 'Accept', '#0b5c2d')}
${button(of, 'decline', 'Decline', '#8a1c1c')}
</p>
</body>
</html>
`;
}

async function invite({ request }, { withPgClient }) {
	const of = describe(await assign(withPgClient, request));
	await mailer.sendMail({
		from: { name: NAME, address: `vacd@${DOMAIN}` },
		to: { name: of.name, address: of.mail },
		replyTo: { name: NAME, address: of.organizer },
		envelope: { from: of.organizer.replace('vacd+', 'vacd-b+'), to: of.mail },
		subject: `${of.title}, ${of.when}, ${of.place}`,
		date: of.stored_at,
		messageId: `<${of.uid}@${DOMAIN}>`,
		headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'OOF, AutoReply' },
		text: text(of),
		html: html(of),
		icalEvent: { method: 'REQUEST', filename: 'invite.ics', content: calendar(of) },
	});
}

const batching = { localQueue: { size: batch }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const runner = await run({
	preset: { worker: { concurrentJobs: jobs, maxPoolSize: jobs + 2, ...(batch > 0 ? batching : {}) } },
	connectionString: process.env.DATABASE_URL,
	taskList: { invite },
	parsedCronItems: [],
	// A line a job is what it says by default.
	logger: new Logger(() => (level, message) => {
		if (level === 'error' || level === 'warning')
			console.error(`${level}: ${message}`);
	}),
});
await runner.promise;
mailer.close();
