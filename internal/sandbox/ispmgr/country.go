package ispmgr

import "strings"

// countryTable has an entry "id code," for each country of BILLmanager's default table
// (docs/reference/ispmanager.md §4.1).
const countryTable = "1 AF,2 AX,3 AL,4 DZ,5 AS,6 AD,7 AO,8 AI,10 AG,11 AR,12 AM,13 AW,14 AU,15 AT,16 AZ,17 BS,18 BH,19 BD,20 BB,21 BY,22 BE,23 BZ," +
	"24 BJ,25 BM,26 BT,27 BO,28 BA,29 BW,30 BV,31 BR,32 IO,33 BN,34 BG,35 BF,36 BI,37 KH,38 CM,39 CA,40 CV,41 KY,42 CF,43 TD,44 CL,45 CN," +
	"46 CX,47 CC,48 CO,49 KM,50 CG,51 CD,52 CK,53 CR,54 CI,55 HR,56 CU,57 CY,58 CZ,59 DK,60 DJ,61 DM,62 DO,63 EC,64 EG,65 SV,66 GQ,67 ER," +
	"68 EE,69 ET,70 FK,71 FO,72 FJ,73 FI,74 FR,75 GF,76 PF,77 TF,78 GA,79 GM,80 GE,81 DE,82 GH,83 GI,84 GR,85 GL,86 GD,87 GP,88 GU,89 GT," +
	"90 GG,91 GN,92 GW,93 GY,94 HT,95 HM,96 VA,97 HN,98 HK,99 HU,100 IS,101 IN,102 ID,103 IR,104 IQ,105 IE,106 IM,107 IL,108 IT,109 JM,110 JP,111 JE," +
	"112 JO,113 KZ,114 KE,115 KI,116 KP,117 KR,118 KW,119 KG,120 LA,121 LV,122 LB,123 LS,124 LR,125 LY,126 LI,127 LT,128 LU,129 MO,130 MK,131 MG,132 MW,133 MY," +
	"134 MV,135 ML,136 MT,137 MH,138 MQ,139 MR,140 MU,141 YT,142 MX,143 FM,144 MD,145 MC,146 MN,147 ME,148 MS,149 MA,150 MZ,151 MM,152 NA,153 NR,154 NP,155 NL," +
	"156 AN,157 NC,158 NZ,159 NI,160 NE,161 NG,162 NU,163 NF,164 MP,165 NO,166 OM,167 PK,168 PW,169 PS,170 PA,171 PG,172 PY,173 PE,174 PH,175 PN,176 PL,177 PT," +
	"178 PR,179 QA,180 RE,181 RO,182 RU,183 RW,184 BL,185 SH,186 KN,187 LC,188 MF,189 PM,190 VC,191 WS,192 SM,193 ST,194 SA,195 SN,196 RS,197 SC,198 SL,199 SG," +
	"200 SK,201 SI,202 SB,203 SO,204 ZA,205 GS,206 ES,207 LK,208 SD,209 SR,210 SJ,211 SZ,212 SE,213 CH,214 SY,215 TW,216 TJ,217 TZ,218 TH,219 TL,220 TG,221 TK," +
	"222 TO,223 TT,224 TN,225 TR,226 TM,227 TC,228 TV,229 UG,230 UA,231 AE,232 GB,233 US,234 UM,235 UY,236 UZ,237 VU,238 VE,239 VN,240 VG,241 VI,242 WF,243 EH," +
	"244 YE,245 ZM,246 ZW,"

// noCountry is the key of the prompt of a country select.
const noCountry = "null"

// countries returns the options of a country select. The ISO code is only in the address of the
// flag (1.3).
func (s *Settings) countries() []option {
	var list []option
	if s.CountryPrompt {
		list = append(list, option{key: noCountry, text: "-- choose a country --"}, option{key: "21", text: "Country 21", image: "/manimg/common/flag/BY.png"})
	}
	for row := range strings.SplitSeq(strings.TrimSuffix(countryTable, ","), ",") {
		id, code, _ := strings.Cut(row, " ")
		list = append(list, option{key: id, text: "Country " + id, image: "/manimg/common/flag/" + code + ".png"})
	}
	return list
}

// countryID returns the id of an ISO 3166-1 alpha-2 code, or "" if there is none.
func countryID(code string) string {
	for row := range strings.SplitSeq(countryTable, ",") {
		if id, known, _ := strings.Cut(row, " "); known == strings.ToUpper(code) && code != "" {
			return id
		}
	}
	return ""
}

// countryCode returns the ISO 3166-1 alpha-2 code of an id, or "" if there is none.
func countryCode(id string) string {
	for row := range strings.SplitSeq(countryTable, ",") {
		if known, code, _ := strings.Cut(row, " "); known == id && id != "" {
			return code
		}
	}
	return ""
}

// presetCountry returns the value that a form shows for a country.
func (s *Settings) presetCountry() string {
	if s.CountryPrompt {
		return noCountry
	}
	return "182"
}
