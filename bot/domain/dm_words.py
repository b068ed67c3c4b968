# ruff: noqa: RUF001  # letters of other alphabets are meant
"""What people call things in a direct message, by language (pure data): commands, polite words, and what negates.

Phrases stand between commas, the one that is shown as an example first. Accents may be left out, unless that makes
another word of it (bot/domain/dm_text.py).
"""

CANCEL, STATUS, REFILL = VERBS = ("cancel", "status", "refill")
"""What can be done with the orders that a message names."""
QUEUED, HISTORY, BALANCE, SETTINGS, KEY, HELP = ("queued", "history", "balance", "settings", "key", "help")
FORGET, REMOVE_KEY = "forget", "key remove"
HELLO, THANKS, STOP, YES, NO = ("hello", "thanks", "stop", "yes", "no")
"""Small talk; greetings and thanks are polite as well."""
POLITE = "polite"
"""Words that change nothing of what a command means; "not", "or" and "all" are none of them.

They count in all languages at once, so none may ask, deny or choose in another: Spanish "mi" is how Turkish asks.
"""
ASKED = "asked"
"""Words that may ask to cancel, but may also tell that something is cancelled: never more than asked about."""

WORDS: dict[str, dict[str, str]] = {
    "en": {
        CANCEL: "cancel",
        STATUS: "status, order status",
        REFILL: "refill",
        QUEUED: "queued, queue, open, waiting, pending",
        HISTORY: "history",
        BALANCE: "balance, funds, credit",
        SETTINGS: "settings, setting, preferences",
        KEY: "key show, key, keys, api key, show key, my key",
        REMOVE_KEY: "key remove, remove key, remove my key, delete key, delete my key",
        FORGET: "forget me, forget",
        HELP: "help, start, commands, menu, info",
        HELLO: "hi, hey, hello, hiya, hi there, hello there, hey there, good morning, good afternoon, good evening",
        THANKS: "thanks, thank you, thanks a lot, thank you so much, thank you very much, many thanks, thank, thx, ty",
        STOP: "stop",
        YES: "yes, yeah, yep, ok, okay, sure",
        NO: "no, nope, nah",
        POLITE: (
            "please, pls, plz, kindly, you, now, asap, and, also, the, these, this, my, order, orders, id, ids, bro"
        ),
    },
    "tr": {
        CANCEL: "iptal, iptal et, iptal edin, iptal ediniz",
        ASKED: "iptali, iptalini, iptal edilsin, iptal sipariş, iptal siparişi, iptal siparişler, iptal siparişleri",
        STATUS: "durum, durumu, durumunu, sipariş durumu",
        REFILL: "telafi, telafi et, telafi edin, refill et",
        QUEUED: "bekleyenler, bekleyen, sırada, kuyruk, açık",
        HISTORY: "geçmiş, geçmişim",
        BALANCE: "bakiye, bakiyem",
        SETTINGS: "ayarlar, ayar, ayarlarım",
        KEY: "anahtar, anahtarım, api anahtarı, api anahtarım",
        REMOVE_KEY: "anahtarı sil, anahtarımı sil, anahtarı kaldır, anahtarımı kaldır, anahtar sil",
        FORGET: "beni unut, verilerimi sil",
        HELP: "yardım, komutlar, başla",
        HELLO: "merhaba, selam, selamlar, günaydın, iyi günler, iyi akşamlar",
        THANKS: "teşekkürler, teşekkür ederim, teşekkür, sağ ol, sağol, sağ olun, sağolun, eyvallah",
        STOP: "dur, durdur, durdurun",
        YES: "evet, tamam, olur",
        NO: "hayır",
        POLITE: (
            "lütfen, rica ederim, sipariş, siparişi, siparişim, siparişimi, siparişler, siparişleri, siparişlerim, "
            "siparişlerimi, bu, bunu, bunları, ve, hocam, abi, şimdi, hemen"
        ),
    },
    "es": {
        CANCEL: "cancelar, cancela, cancele, cancelen, anular, anula, anule",
        ASKED: "cancelación, anulación",
        STATUS: "estado, estatus",
        REFILL: "reponer, reposición, rellenar, recargar, recarga",
        QUEUED: "pendientes, en cola, cola, abiertos",
        HISTORY: "historial",
        BALANCE: "saldo",
        SETTINGS: "ajustes, configuración",
        KEY: "clave, mi clave, clave api",
        REMOVE_KEY: "quitar clave, quitar mi clave, eliminar clave, eliminar mi clave, borrar clave, borrar mi clave",
        FORGET: "olvídame, borrar mis datos",
        HELP: "ayuda, comandos, inicio",
        HELLO: "hola, buenas, buenos días, buenas tardes, buenas noches",
        THANKS: "gracias, muchas gracias, mil gracias",
        STOP: "parar, detener, detén, alto",
        YES: "sí, vale, claro",
        POLITE: (
            "por favor, porfa, porfavor, pedido, pedidos, orden, órdenes, mi pedido, mis pedidos, mi orden, "
            "mis órdenes, el pedido, los pedidos, la orden, las órdenes, este, esta, estos, estas, y, también, ahora"
        ),
    },
    "pt_BR": {
        CANCEL: "cancelar, cancela, cancele, cancelem",
        ASKED: "cancelamento",
        STATUS: "status, situação",
        REFILL: "repor, reposição, refil, recarregar, reabastecer",
        QUEUED: "pendentes, na fila, em espera, fila",
        HISTORY: "histórico",
        BALANCE: "saldo",
        SETTINGS: "configurações, configuração",
        KEY: "chave, minha chave, chave api",
        REMOVE_KEY: "remover chave, remover minha chave, apagar chave, apagar minha chave, excluir chave",
        FORGET: "me esqueça, esqueça-me, apagar meus dados",
        HELP: "ajuda, comandos",
        HELLO: "olá, oi, bom dia, boa tarde, boa noite",
        THANKS: "obrigado, obrigada, muito obrigado, muito obrigada, valeu",
        STOP: "parar, pare",
        YES: "sim, claro, beleza",
        NO: "não",
        POLITE: (
            "por favor, pfv, pedido, pedidos, meu, meus, minha, minhas, e, este, estes, esse, esses, essa, essas, agora"
        ),
    },
    "hi": {
        CANCEL: (
            "रद्द करें, रद्द करो, रद्द कर दो, रद्द कर दें, रद्द कीजिए, रद्द कर दीजिए, कैंसिल, कैंसल, cancel karo, "
            "cancel kar do, cancel kardo, cancel kijiye, cancel kar dijiye"
        ),
        ASKED: "रद्द, radd, radd karo",
        STATUS: "स्थिति, स्टेटस",
        REFILL: "रिफिल, रीफिल, refill karo, refill kar do",
        QUEUED: "लंबित, कतार, प्रतीक्षा, पेंडिंग",
        HISTORY: "इतिहास, हिस्ट्री",
        BALANCE: "बैलेंस, शेष",
        SETTINGS: "सेटिंग्स, सेटिंग",
        KEY: "कुंजी, मेरी कुंजी, api कुंजी",
        REMOVE_KEY: "कुंजी हटाएं, कुंजी हटाएँ, कुंजी हटाओ",
        FORGET: "मुझे भूल जाओ, मुझे भूल जाएं",
        HELP: "मदद, सहायता, हेल्प",
        HELLO: "नमस्ते, नमस्कार, हैलो, हाय, namaste",
        THANKS: "धन्यवाद, शुक्रिया, dhanyavad, shukriya",
        STOP: "रुको, रोको, रोकें, बंद करो",
        YES: "हाँ, हां, ठीक है, haan",
        NO: "नहीं, नही, nahi, nahin",
        POLITE: (
            "कृपया, प्लीज़, प्लीज, ऑर्डर, मेरा, मेरे, मेरी, यह, ये, को, और, भाई, जी, करें, करो, कर दो, कर दें, "
            "कीजिए, कर दीजिए, kripya, bhai, ji, mera, mere, aur"
        ),
    },
    "id": {
        CANCEL: "batalkan",
        ASKED: "batal, pembatalan, dibatalkan",
        STATUS: "status, cek status, status pesanan",
        REFILL: "isi ulang",
        QUEUED: "antrean, antrian, menunggu, tertunda",
        HISTORY: "riwayat",
        BALANCE: "saldo",
        SETTINGS: "pengaturan, setelan",
        KEY: "kunci, kunci saya, kunci api",
        REMOVE_KEY: "hapus kunci, hapus kunci saya",
        FORGET: "lupakan saya, hapus data saya",
        HELP: "bantuan, perintah, mulai",
        HELLO: "halo, hai, selamat pagi, selamat siang, selamat sore, selamat malam",
        THANKS: "terima kasih, terimakasih, makasih, trims",
        STOP: "berhenti, hentikan",
        YES: "ya, iya, baik",
        NO: "tidak, nggak, enggak, gak",
        POLITE: "tolong, mohon, pesanan, saya, ini, dan, juga, sekarang, kak, bang",
    },
    "ru": {
        CANCEL: "отменить, отмени, отмените, отмена",
        ASKED: "отмену, отменяй, отменяйте, аннулировать",
        STATUS: "статус, состояние",
        REFILL: "рефилл, рефил, докрутить, докрутка, восполнить, восполнение",
        QUEUED: "ожидают, очередь, в очереди, ожидание, открытые",
        HISTORY: "история",
        BALANCE: "баланс",
        SETTINGS: "настройки",
        KEY: "ключ, мой ключ, api ключ, ключи",
        REMOVE_KEY: "удалить ключ, удали ключ, удалить мой ключ",
        FORGET: "забудь меня, забыть меня, удалить мои данные",
        HELP: "помощь, справка, команды, старт, начать",
        HELLO: "привет, здравствуйте, здравствуй, добрый день, добрый вечер, доброе утро",
        THANKS: "спасибо, большое спасибо, благодарю, спс",
        STOP: "стоп, остановить, останови, остановите",
        YES: "да, ок, хорошо",
        NO: "нет, не надо",
        POLITE: "пожалуйста, плиз, заказ, заказы, мой, мои, этот, эти, и, также, сейчас",
    },
    "vi": {
        CANCEL: "hủy, huỷ, hủy bỏ, huỷ bỏ, hủy đơn, huỷ đơn",
        ASKED: "đơn hủy, đơn huỷ, đơn hàng hủy, đơn hàng huỷ",
        STATUS: "trạng thái, tình trạng",
        REFILL: "bảo hành, nạp lại",
        QUEUED: "đang chờ, hàng chờ",
        HISTORY: "lịch sử",
        BALANCE: "số dư",
        SETTINGS: "cài đặt, thiết lập",
        KEY: "khóa, khoá, khóa api, khóa của tôi",
        REMOVE_KEY: "xóa khóa, xoá khoá, xóa khóa của tôi",
        FORGET: "quên tôi, xóa dữ liệu của tôi",
        HELP: "trợ giúp, giúp đỡ, giúp, hướng dẫn",
        HELLO: "xin chào, chào bạn, chào, alo",
        THANKS: "cảm ơn, cám ơn, cảm ơn bạn, cám ơn bạn",
        STOP: "dừng lại, ngừng",
        YES: "vâng, đồng ý, dạ",
        NO: "không",
        POLITE: "vui lòng, xin, làm ơn, đơn hàng, đơn hàng này, của tôi, các, và, nhé",
    },
    "ar": {
        CANCEL: "إلغاء, ألغ, قم بإلغاء, كنسل",
        ASKED: "ألغي, ألغى, تلغي, يلغي, أريد إلغاء, طلب إلغاء, طلبات إلغاء",
        STATUS: "حالة, الحالة, وضع",
        REFILL: "تعويض, إعادة تعبئة, إعادة التعبئة, ريفيل",
        QUEUED: "قيد الانتظار, الانتظار, المعلقة",
        HISTORY: "السجل, سجل",
        BALANCE: "الرصيد, رصيد, رصيدي",
        SETTINGS: "الإعدادات, إعدادات",
        KEY: "المفتاح, مفتاح, مفتاحي, مفتاح api",
        REMOVE_KEY: "حذف المفتاح, إزالة المفتاح, احذف المفتاح, حذف مفتاحي",
        FORGET: "انسني, احذف بياناتي",
        HELP: "مساعدة, المساعدة, ساعدني, الأوامر",
        HELLO: "مرحبا, أهلا, السلام عليكم, سلام, هلا, صباح الخير, مساء الخير",
        THANKS: "شكرا, شكرا لك, شكرا جزيلا, مشكور",
        STOP: "توقف, أوقف, قف, إيقاف",
        YES: "نعم, أجل, تمام, حسنا",
        NO: "لا, كلا",
        POLITE: (
            "من فضلك, رجاء, الرجاء, لو سمحت, طلب, الطلب, طلبي, طلبات, الطلبات, طلباتي, هذا, هذه, و, أيضا, الآن, أخي"
        ),
    },
}

NEGATIONS = {
    "en": (
        "not, never, no, none, don't, dont, do not, doesn't, doesnt, didn't, didnt, won't, wont, can't, cant, isn't, "
        "isnt, wasn't, shouldn't, without, except, but, instead, nope, nah"
    ),
    "tr": (
        "etme, etmeyin, etmeyiniz, edilmesin, edilmedi, olmasın, değil, hayır, yok, durdurma, istemiyorum, asla, hariç"
    ),
    "es": "no, nunca, jamás, tampoco, sin, excepto, salvo, menos",
    "pt_BR": "não, num, nunca, jamais, nem, sem, exceto, menos",
    "hi": "मत, नहीं, नही, न, ना, बिना, सिवाय, mat, nahi, nahin, na, bina",
    "id": "jangan, jgn, tidak, tdk, nggak, enggak, gak, ga, bukan, belum, tanpa, kecuali",
    "ru": "не, нет, ни, никогда, без, нельзя, кроме",
    "vi": "không, ko, đừng, chưa, chớ, trừ",
    "ar": "لا, لم, لن, ليس, ليست, بدون, دون, غير, عدم, مش, مو, ما, إلا, ماعدا",
}
"""Words with which a verb says what is not to be done, or not to all."""
